"""Signals to higher rooms, which the library does not import.

Receivers run in the library's transaction and may raise to prevent the change.
"""

from blinker import Namespace

_signals = Namespace()

# Sent with ``document_id`` once a document has been read or has failed for good.
document_settled = _signals.signal("document-settled")

# Sent with ``document_id`` before a document is deleted.
document_deleting = _signals.signal("document-deleting")

# Sent with ``study_set_ids`` and ``since`` before the files of apparently unused study sets expire. A receiver
# returns the ids of study sets that it knows were used since then: their files stay.
study_sets_expiring = _signals.signal("study-sets-expiring")

# Sent with ``study_set_id`` before a study set and everything in it is deleted.
study_set_deleting = _signals.signal("study-set-deleting")
