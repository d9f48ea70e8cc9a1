"""Data exports: the archive of a user's data, and its download links."""
