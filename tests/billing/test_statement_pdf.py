"""How PDFs are written: by one thread at a time, and without loading their library elsewhere."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

from reportlab.platypus import BaseDocTemplate

from backend.billing.statements.pdf import to_pdf
from backend.billing.statements.statement import CreditMovements, Movement, Statement
from backend.text.languages import LANGUAGES
from tests.conftest import CHECKOUT


def test_one_thread_at_a_time_writes_a_pdf():
    # ReportLab's fonts are not safe to use in several threads: about one file in 200 fails or gets wrong letters.
    nothing = CreditMovements(0, tuple((movement, 0) for movement in Movement), 0)
    jobs = [(Statement(2026, ("Zoë Šćepanović",), (), nothing), language) for language in LANGUAGES]
    expected = [to_pdf(*job) for job in jobs]
    writing, most = set(), 0

    def note(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal most
        if frame.f_code is BaseDocTemplate.build.__code__ and event in ("call", "return"):
            (writing.add if event == "call" else writing.discard)(threading.get_ident())
            most = max(most, len(writing))

    interval = sys.getswitchinterval()
    # Threads take turns as often as possible.
    sys.setswitchinterval(1e-6)
    threading.setprofile(note)
    try:
        with ThreadPoolExecutor(4) as threads:
            written = list(threads.map(lambda job: to_pdf(*job), jobs * 2))
    finally:
        threading.setprofile(None)
        sys.setswitchinterval(interval)
    assert written == expected * 2
    assert most == 1


def test_the_pdf_library_is_loaded_only_for_a_pdf():
    program = "import sys, backend.billing.routes; print(sorted({'reportlab', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
