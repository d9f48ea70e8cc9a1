"""How the system is configured where it runs: web server, supervisors and the local stack."""
