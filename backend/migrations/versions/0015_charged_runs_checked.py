"""Fill in the users of existing model calls, and check existing runs and calls against the constraints of 0014.

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
    """Apply the change. Others read and write the tables meanwhile."""
    op.execute(
        'UPDATE model_calls SET user_id = runs.user_id FROM runs'
        ' WHERE runs.id = model_calls.run_id AND model_calls.user_id IS NULL'
    )
    for table, constraint in _CONSTRAINTS:
        op.execute(f'ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}')


def downgrade() -> None:
    """Nothing to undo: a validated constraint is the same constraint, and 0014 drops the column."""
