"""User administration: search, view, disable and enable users, their runs, and the audit log."""
