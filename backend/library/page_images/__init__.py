"""Images of pages: rendered on request in bounded child processes, and kept as files of ours."""
