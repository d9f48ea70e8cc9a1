"""What happens in the library, told to the rooms above it, which it does not know.

Receivers run inside the library's transaction and may raise to stop what is about to happen.
"""

from blinker import Namespace

_signals = Namespace()

# Sent with ``document_id`` once a document has been read or has failed for good.
document_settled = _signals.signal("document-settled")

# Sent with ``document_id`` before a document is deleted.
document_deleting = _signals.signal("document-deleting")

# Sent with ``study_set_ids`` and ``since`` before files of study sets that seem unused expire. A receiver returns
# the set of those ids for which it knows of something that happened since then: their files stay.
study_sets_expiring = _signals.signal("study-sets-expiring")

# Sent with ``study_set_id`` before a study set is deleted with everything in it.
study_set_deleting = _signals.signal("study-set-deleting")
