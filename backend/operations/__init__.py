"""Running the system: health, metrics, error reports, watchdog, sweep, containers, the web worker."""
