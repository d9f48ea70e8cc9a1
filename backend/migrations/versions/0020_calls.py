"""Keep what calls of a language model answer, and let calls be jobs of their own.

Revision: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        'replies',
        sa.Column('user_id', sa.Uuid(), nullable=False),
        sa.Column('study_set_id', sa.Uuid(), nullable=False),
        sa.Column('request_key', sa.Text(), nullable=False),
        sa.Column('model', sa.Text(), nullable=False),
        sa.Column('answer', postgresql.JSONB(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_replies_user_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(
            ['study_set_id'], ['study_sets.id'], name=op.f('fk_replies_study_set_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_replies')),
        sa.UniqueConstraint('user_id', 'request_key', name=op.f('uq_replies_user_id_request_key')),
    )
    op.create_index(op.f('ix_replies_created_at'), 'replies', ['created_at'], unique=False)
    op.create_index(op.f('ix_replies_study_set_id'), 'replies', ['study_set_id'], unique=False)
    op.create_table(
        'calls',
        sa.Column('run_id', sa.Uuid(), nullable=False),
        sa.Column('step_id', sa.Uuid(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('reply_id', sa.Uuid(), nullable=True),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('attempt', sa.Integer(), nullable=False),
        sa.Column('failures', sa.Integer(), nullable=False),
        sa.Column('available_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('worker', sa.Text(), nullable=True),
        sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('error_code', sa.Text(), nullable=True),
        sa.Column('request_id', sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name=op.f('ck_calls_failed_has_code')),
        sa.CheckConstraint(
            "(state = 'running') = (lease_until IS NOT NULL)", name=op.f('ck_calls_lease_while_running')
        ),
        sa.CheckConstraint(
            "state IN ('planned', 'queued', 'running', 'done', 'failed', 'cancelled')",
            name=op.f('ck_calls_state_known'),
        ),
        sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('fk_calls_run_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['step_id'], ['steps.id'], name=op.f('fk_calls_step_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['reply_id'], ['replies.id'], name=op.f('fk_calls_reply_id'), ondelete='SET NULL'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_calls')),
        sa.UniqueConstraint('step_id', name=op.f('uq_calls_step_id')),
    )
    op.create_index(
        op.f('ix_calls_available_at'),
        'calls',
        ['available_at'],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index(op.f('ix_calls_ended_at'), 'calls', ['ended_at'], unique=False)
    op.create_index(op.f('ix_calls_reply_id'), 'calls', ['reply_id'], unique=False)
    op.create_index(op.f('ix_calls_run_id_started_at'), 'calls', ['run_id', 'started_at'], unique=False)
    op.create_index(op.f('ix_steps_run_id_started_at'), 'steps', ['run_id', 'started_at'], unique=False)
    op.add_column('steps', sa.Column('makes_up', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('steps', sa.Column('is_second_try', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('model_calls', sa.Column('reasoning_tokens', sa.Integer(), server_default=sa.text('0'), nullable=False))


def downgrade() -> None:
    """Undo the change."""
    op.drop_column('model_calls', 'reasoning_tokens')
    op.drop_column('steps', 'is_second_try')
    op.drop_column('steps', 'makes_up')
    op.drop_index(op.f('ix_steps_run_id_started_at'), table_name='steps')
    op.drop_table('calls')
    op.drop_table('replies')
