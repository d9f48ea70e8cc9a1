"""The generation room's entry in the manifest."""

from backend.billing.hooks import describe_runs, find_ended_runs
from backend.core.manifest import Chore, Room, Routes
from backend.core.web.rate_limits import RouteClass
from backend.core.work.jobs import JobKind
from backend.core.work.programs import Program
from backend.generation import service
from backend.generation.calls.queueing import lock_step_of, wake_step
from backend.generation.calls.replies import forget_old_replies
from backend.generation.calls.turns import claim_call, claim_step
from backend.generation.charging import bookings
from backend.generation.errors import MaxCreditsTooLow
from backend.generation.language_models.choice import load_models
from backend.generation.models import Call, ModelCall, Reply, Run, RunDocument, RunEvent, Step
from backend.generation.runs.calling import begin_call, cancel_if_unwanted
from backend.generation.runs.planning import continue_waiting_runs, lock_waiting_runs
from backend.generation.runs.recording import cancel_if_stopped, give_up, lock_run_of
from backend.generation.runs.steps import work_step
from backend.generation.runs.titles import find_run_titles
from backend.generation.types import StepKind
from backend.library.hooks import (
    document_deleting,
    document_rereading,
    document_settled,
    document_settling,
    study_set_deleting,
    study_sets_expiring,
)

ROOM = Room(
    name="generation",
    routes=(Routes("backend.generation.routes:generation"),),
    jobs=(
        JobKind(
            name="generation.step",
            model=Step,
            work=work_step,
            give_up=give_up,
            after_retry=cancel_if_stopped,
            lock_first=lock_run_of,
            claim=claim_step,
            labels=(Step.kind, tuple(StepKind)),
        ),
        JobKind(
            name="generation.call",
            model=Call,
            begin=begin_call,
            give_up=wake_step,
            after_retry=cancel_if_unwanted,
            lock_first=lock_step_of,
            claim=claim_call,
            program=Program.CALLING,
        ),
    ),
    chores=(Chore(service.release_ended_runs, every=1), Chore(forget_old_replies)),
    tables=(Run, RunDocument, Step, Call, Reply, RunEvent, ModelCall),
    hooks=(
        describe_runs.to(find_run_titles),
        find_ended_runs.to(bookings.find_ended_runs),
        document_settling.to(lock_waiting_runs),
        document_settled.to(continue_waiting_runs),
        document_deleting.to(service.refuse_document_in_use),
        document_rereading.to(service.refuse_document_in_use),
        study_set_deleting.to(service.end_runs_of),
        study_sets_expiring.to(service.find_study_sets_in_use),
    ),
    preload=(load_models,),
    problems=(MaxCreditsTooLow,),
    limits={
        "generation.start_run": RouteClass.RUN,
        "generation.continue_run": RouteClass.RUN,
        "generation.estimate_run": RouteClass.RUN,
    },
)
