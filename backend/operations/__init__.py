"""How the system keeps running: health, metrics and error reports, watchdog and sweep, containers, the web worker."""
