"""Let a run end partly done and continue another; keep what each model call used and cost.

Revision: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

_STATES = "'reading', 'making', 'connecting', 'cancelling', 'failing', 'done', 'failed', 'cancelled'"
# The previous release, which may still be running, does not name the user.
_FILL_USER = """
CREATE FUNCTION fill_user_of_model_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.user_id := (SELECT user_id FROM runs WHERE id = NEW.run_id);
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    """Apply the change. Existing rows are filled and checked by 0015, which does not keep others from the tables."""
    op.add_column('model_calls', sa.Column('user_id', sa.Uuid(), nullable=True))
    op.add_column('model_calls', sa.Column('cache_write_tokens', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.add_column('model_calls', sa.Column('price_list', sa.Text(), nullable=True))
    op.add_column('model_calls', sa.Column('cost_usd', sa.Numeric(), nullable=True))
    op.add_column('model_calls', sa.Column('cost_chf', sa.Numeric(), nullable=True))
    op.add_column('model_calls', sa.Column('price_credits', sa.Numeric(), nullable=True))
    op.add_column('model_calls', sa.Column('charged_credits', sa.Numeric(), server_default=sa.text('0'), nullable=False))
    op.add_column('model_calls', sa.Column('free_cost_chf', sa.Numeric(), server_default=sa.text('0'), nullable=False))
    op.create_index(op.f('ix_model_calls_user_id'), 'model_calls', ['user_id'], unique=False)
    op.drop_constraint(op.f('fk_model_calls_run_id'), 'model_calls', type_='foreignkey')
    op.drop_constraint(op.f('fk_model_calls_step_id'), 'model_calls', type_='foreignkey')
    op.create_foreign_key(
        op.f('fk_model_calls_user_id'), 'model_calls', 'users', ['user_id'], ['id'], postgresql_not_valid=True
    )
    op.execute(_FILL_USER)
    op.execute(
        "CREATE TRIGGER fill_user BEFORE INSERT ON model_calls FOR EACH ROW WHEN (NEW.user_id IS NULL)"
        " EXECUTE FUNCTION fill_user_of_model_call()"
    )
    op.add_column('runs', sa.Column('continues', sa.Uuid(), nullable=True))
    op.add_column('runs', sa.Column('partial_reason', sa.Text(), nullable=True))
    op.add_column('runs', sa.Column('max_credits', sa.BigInteger(), nullable=True))
    op.add_column('runs', sa.Column('price_list', sa.Text(), nullable=True))
    op.add_column('runs', sa.Column('waiting_for', sa.Text(), nullable=True))
    op.add_column('runs', sa.Column('error_facts', postgresql.JSONB(), nullable=True))
    op.add_column('steps', sa.Column('chars', sa.Integer(), nullable=True))
    op.create_unique_constraint(op.f('uq_runs_continues'), 'runs', ['continues'])
    op.create_foreign_key(
        op.f('fk_runs_continues'), 'runs', 'runs', ['continues'], ['id'], ondelete='SET NULL', postgresql_not_valid=True
    )
    _replace_check('state_known', f"state IN ({_STATES}, 'partial')")
    _add_check('partial_has_reason', "(state = 'partial') = (partial_reason IS NOT NULL)")
    _add_check('max_credits_positive', 'max_credits > 0')


def downgrade() -> None:
    """Undo the change. Calls of deleted runs go, and a run that ended partly done counts as done."""
    op.drop_constraint(op.f('ck_runs_max_credits_positive'), 'runs', type_='check')
    op.drop_constraint(op.f('ck_runs_partial_has_reason'), 'runs', type_='check')
    op.execute("UPDATE runs SET state = 'done' WHERE state = 'partial'")
    _replace_check('state_known', f"state IN ({_STATES})")
    op.drop_constraint(op.f('fk_runs_continues'), 'runs', type_='foreignkey')
    op.drop_constraint(op.f('uq_runs_continues'), 'runs', type_='unique')
    op.drop_column('steps', 'chars')
    for column in ('error_facts', 'waiting_for', 'price_list', 'max_credits', 'partial_reason', 'continues'):
        op.drop_column('runs', column)
    op.execute('DROP TRIGGER fill_user ON model_calls')
    op.execute('DROP FUNCTION fill_user_of_model_call()')
    op.execute('DELETE FROM model_calls WHERE NOT EXISTS (SELECT 1 FROM steps WHERE steps.id = model_calls.step_id)')
    op.drop_constraint(op.f('fk_model_calls_user_id'), 'model_calls', type_='foreignkey')
    op.create_foreign_key(op.f('fk_model_calls_step_id'), 'model_calls', 'steps', ['step_id'], ['id'], ondelete='CASCADE')
    op.create_foreign_key(op.f('fk_model_calls_run_id'), 'model_calls', 'runs', ['run_id'], ['id'], ondelete='CASCADE')
    op.drop_index(op.f('ix_model_calls_user_id'), table_name='model_calls')
    for column in (
        'free_cost_chf', 'charged_credits', 'price_credits', 'cost_chf', 'cost_usd', 'price_list',
        'cache_write_tokens', 'user_id'
    ):
        op.drop_column('model_calls', column)


def _replace_check(name: str, condition: str) -> None:
    op.drop_constraint(op.f(f'ck_runs_{name}'), 'runs', type_='check')
    _add_check(name, condition)


def _add_check(name: str, condition: str) -> None:
    op.create_check_constraint(op.f(f'ck_runs_{name}'), 'runs', condition, postgresql_not_valid=True)
