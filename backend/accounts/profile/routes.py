"""The user's profile and her activity history over HTTP."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, g

from backend.accounts import activity
from backend.accounts.models import User
from backend.accounts.profile import profile as verbs
from backend.accounts.profile.schemas import ActivityAnswer, ActivityPage, ActivityQuery, ProfileAnswer, ProfileBody
from backend.core.database.transaction import transaction
from backend.core.web.http import with_entity_tag
from backend.core.web.preconditions import require_match

profile = APIBlueprint("profile", __name__, tag="Account")

_CHANGE_DOC: dict[int | str, Any] = {412: "Changed since you read it", 428: "If-Match is missing"}


@profile.get("/users/me")
@profile.output(ProfileAnswer)
@profile.doc(responses={304: "Not changed since your ETag"})
def get_profile() -> Response:
    """Read your profile. Its ETag is what changing it asks for."""
    with transaction():
        return _answer(verbs.get_profile(g.user_id))


@profile.patch("/users/me")
@profile.input(ProfileBody, arg_name="body")
@profile.output(ProfileAnswer)
@profile.doc(extensions={"x-if-match": True}, responses=_CHANGE_DOC)
def change_profile(body: ProfileBody) -> Response:
    """Change your profile; what is left out stays. `If-Match` has the ETag of what you have read."""
    with transaction():
        user = verbs.get_profile(g.user_id, lock=True)
        require_match(_answer(user))
        verbs.change_profile(user, body.changes())
        return _answer(user)


def _answer(user: User) -> Response:
    response = with_entity_tag(ProfileAnswer.of(user))
    # A proxy that compressed it would make the tag a weak one, which If-Match never matches.
    response.cache_control.no_transform = True
    return response


@profile.get("/users/me/activity")
@profile.input(ActivityQuery, location="query", arg_name="query")
@profile.output(ActivityPage)
def list_activities(query: ActivityQuery) -> ActivityPage:
    """List what you did and what was done for you, newest first."""
    with transaction():
        found = activity.list_activities(g.user_id, query, query.kind)
    return ActivityPage(items=[ActivityAnswer.of(each) for each in found.items], next_cursor=found.next_cursor)
