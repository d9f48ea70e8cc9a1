"""The watchdog beside a worker: restarts it when it hangs, and ends the container when that does not help."""
