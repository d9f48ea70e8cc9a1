"""The user's profile, exam defaults and activity log."""
