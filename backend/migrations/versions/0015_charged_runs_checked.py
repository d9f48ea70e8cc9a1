"""Check existing runs and model calls against the constraints of 0014.

Revision: 0015
"""

from alembic import op
revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

_CONSTRAINTS = (
    ('runs', 'ck_runs_state_known'),
    ('runs', 'ck_runs_partial_has_reason'),
    ('runs', 'ck_runs_max_credits_positive'),
    ('runs', 'fk_runs_continues'),
    ('model_calls', 'fk_model_calls_user_id'),
)


def upgrade() -> None:
    """Apply the change. Others read and write the tables during the check."""
    for table, constraint in _CONSTRAINTS:
        op.execute(f'ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}')


def downgrade() -> None:
    """Nothing to undo: a validated constraint is the same constraint."""
