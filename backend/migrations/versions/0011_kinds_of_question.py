"""Let questions be of further kinds, and evidence name an option or only a page.

Each kind's own constraints come with its migration, which also adds its name to kind_known.

Revision: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

_OPTIONS_COUNTED = "jsonb_array_length(options) BETWEEN 2 AND 8"
_KEY_IS_AN_OPTION = "jsonb_path_exists(options, '$[*] ? (@.id == $key)', jsonb_build_object('key', key))"


def upgrade() -> None:
    """Apply the change."""
    # Server defaults, because the previous release still inserts rows meanwhile. Existing rows are checked by 0012.
    op.add_column('questions', sa.Column('kind', sa.Text(), server_default='single_choice', nullable=False))
    op.add_column('questions', sa.Column('data', postgresql.JSONB(), server_default='{}', nullable=False))
    op.alter_column('questions', 'options', server_default='[]')
    op.alter_column('questions', 'explanation', server_default='')
    op.alter_column('questions', 'key', nullable=True)
    op.create_check_constraint(
        op.f('ck_questions_kind_known'), 'questions', "kind IN ('single_choice')", postgresql_not_valid=True
    )
    _replace_check('options_counted', f"kind <> 'single_choice' OR {_OPTIONS_COUNTED}")
    _replace_check('key_is_an_option', f"kind <> 'single_choice' OR (key IS NOT NULL AND {_KEY_IS_AN_OPTION})")
    op.add_column('evidence', sa.Column('option_id', sa.Text(), nullable=True))
    for column in ('quote', 'start', 'end'):
        op.alter_column('evidence', column, nullable=True)
    op.create_check_constraint(
        op.f('ck_evidence_quote_with_span'), 'evidence', 'num_nonnulls(quote, "start", "end") IN (0, 3)',
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    """Undo the change. Refused while there is anything that would not fit any more."""
    op.drop_constraint(op.f('ck_evidence_quote_with_span'), 'evidence', type_='check')
    for column in ('quote', 'start', 'end'):
        op.alter_column('evidence', column, nullable=False)
    op.drop_column('evidence', 'option_id')
    _replace_check('key_is_an_option', _KEY_IS_AN_OPTION)
    _replace_check('options_counted', _OPTIONS_COUNTED)
    op.drop_constraint(op.f('ck_questions_kind_known'), 'questions', type_='check')
    op.alter_column('questions', 'key', nullable=False)
    op.alter_column('questions', 'explanation', server_default=None)
    op.alter_column('questions', 'options', server_default=None)
    op.drop_column('questions', 'data')
    op.drop_column('questions', 'kind')


def _replace_check(name: str, condition: str) -> None:
    op.drop_constraint(op.f(f'ck_questions_{name}'), 'questions', type_='check')
    op.create_check_constraint(op.f(f'ck_questions_{name}'), 'questions', condition, postgresql_not_valid=True)
