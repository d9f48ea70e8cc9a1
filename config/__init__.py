"""Configuration of the web server and the supervisors, and the local stack."""
