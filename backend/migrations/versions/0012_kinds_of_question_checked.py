"""Check existing questions and evidence against the constraints of 0011.

Revision: 0012
"""

from alembic import op
revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

_CONSTRAINTS = (
    ('questions', 'ck_questions_kind_known'),
    ('questions', 'ck_questions_options_counted'),
    ('questions', 'ck_questions_key_is_an_option'),
    ('evidence', 'ck_evidence_quote_with_span'),
)


def upgrade() -> None:
    """Apply the change. Others read and write the tables during the check."""
    for table, constraint in _CONSTRAINTS:
        op.execute(f'ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}')


def downgrade() -> None:
    """Nothing to undo: a validated constraint is the same constraint."""
