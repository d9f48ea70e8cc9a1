"""What happens in the library, told to the rooms above it, which it does not know.

Receivers run inside the library's transaction and may raise to stop what is about to happen.
"""

from blinker import Namespace

_signals = Namespace()

# Sent with ``document_id`` once a document has been read or has failed for good.
document_settled = _signals.signal("document-settled")

# Sent with ``document_id`` before a document is deleted.
document_deleting = _signals.signal("document-deleting")

# Sent with ``study_set_id`` before a study set is deleted with everything in it.
study_set_deleting = _signals.signal("study-set-deleting")
