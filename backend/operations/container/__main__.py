"""``python -m backend.operations.container COMMAND …``. Specs that the platform stores use this name, so it stays."""

import sys

from backend.operations.container.first_process import main

sys.exit(main())
