"""Routes of the profile and the activity log."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, g

from backend.accounts import activity
from backend.accounts.models import User
from backend.accounts.profile import profile as verbs
from backend.accounts.profile.schemas import (
    ActivityPage,
    ActivityQuery,
    ActivityResponse,
    ProfileRequest,
    ProfileResponse,
)
from backend.core.database.transaction import transaction
from backend.core.web.http import with_entity_tag
from backend.core.web.preconditions import require_match

profile = APIBlueprint("profile", __name__, tag="Account")

_CHANGE_DOC: dict[int | str, Any] = {412: "Changed since you read it", 428: "If-Match is missing"}


@profile.get("/users/me")
@profile.output(ProfileResponse)
@profile.doc(responses={304: "Not changed since your ETag"})
def get_profile() -> Response:
    """Read your profile. Send its ETag as `If-Match` to change it."""
    with transaction():
        return _respond(verbs.get_profile(g.user_id))


@profile.patch("/users/me")
@profile.input(ProfileRequest, arg_name="body")
@profile.output(ProfileResponse)
@profile.doc(extensions={"x-if-match": True}, responses=_CHANGE_DOC)
def change_profile(body: ProfileRequest) -> Response:
    """Change your profile. Fields that are left out stay unchanged. Send the ETag that you read as `If-Match`."""
    with transaction():
        user = verbs.get_profile(g.user_id, lock=True)
        require_match(_respond(user))
        verbs.change_profile(user, body.changes())
        return _respond(user)


def _respond(user: User) -> Response:
    response = with_entity_tag(ProfileResponse.of(user))
    # A compressing proxy would weaken the ETag, and If-Match never matches a weak one.
    response.cache_control.no_transform = True
    return response


@profile.get("/users/me/activity")
@profile.input(ActivityQuery, location="query", arg_name="query")
@profile.output(ActivityPage)
def list_activities(query: ActivityQuery) -> ActivityPage:
    """List your activity log, newest first."""
    with transaction():
        found = activity.list_activities(g.user_id, query, query.kind)
    return ActivityPage(items=[ActivityResponse.of(each) for each in found.items], next_cursor=found.next_cursor)
