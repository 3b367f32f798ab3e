#include "planner/schedule/schedule.h"

/** Order of one kind of schedule. Counts are per stage, in units of one chunk and one micro-batch. */
typedef struct {
    /** Forward slots before the first backward one. */
    int64_t (*warmup)(const MppSchedule *schedule, int64_t stage);
} ScheduleType;

static int64_t per_pass(const MppSchedule *schedule)
{
    return schedule->vpp * schedule->micro_batches;
}

static int64_t warmup_gpipe(const MppSchedule *schedule, int64_t stage)
{
    (void)stage;
    return per_pass(schedule);
}

static int64_t warmup_1f1b(const MppSchedule *schedule, int64_t stage)
{
    return MIN(schedule->pp - stage, schedule->micro_batches);
}

/** Depth first in groups of pp micro-batches (Megatron get_pp_rank_microbatches), the steady state's forward included. */
static int64_t warmup_interleaved(const MppSchedule *schedule, int64_t stage)
{
    return MIN((schedule->vpp - 1) * schedule->pp + 2 * (schedule->pp - 1 - stage) + 1, per_pass(schedule));
}

static const ScheduleType types[MPP_N_SCHEDULES] = {
    [MPP_SCHEDULE_GPIPE] = { warmup_gpipe },
    [MPP_SCHEDULE_1F1B] = { warmup_1f1b },
    [MPP_SCHEDULE_INTERLEAVED] = { warmup_interleaved },
};

MppSchedule mpp_schedule_of(const MppStrategy *s, int64_t global_batch)
{
    return (MppSchedule){ s->schedule, s->pp, s->vpp, mpp_strategy_micro_batches(s, global_batch) };
}

int64_t mpp_schedule_n_slots(const MppSchedule *schedule)
{
    return 2 * per_pass(schedule);
}

/** The n-th forward or backward slot: groups of pp micro-batches visit a stage's chunks in turn. */
static MppSlot nth(const MppSchedule *schedule, int64_t stage, MppPass pass, int64_t n)
{
    int64_t pp = schedule->pp, vpp = schedule->vpp;
    if (vpp == 1)
        return (MppSlot){ pass, stage, n };
    int64_t group = n / (pp * vpp), within = n % (pp * vpp), local = within / pp;
    if (pass == MPP_PASS_BACKWARD)
        local = vpp - 1 - local;
    return (MppSlot){ pass, local * pp + stage, group * pp + within % pp };
}

int64_t mpp_schedule_warmup(const MppSchedule *schedule, int64_t stage)
{
    return types[schedule->kind].warmup(schedule, stage);
}

MppSlot mpp_schedule_slot(const MppSchedule *schedule, int64_t stage, int64_t index)
{
    return mpp_schedule_slot_after(schedule, stage, index, mpp_schedule_warmup(schedule, stage));
}

/** Warm-up forwards, then one backward and one forward in turn, then the backwards left. */
MppSlot mpp_schedule_slot_after(const MppSchedule *schedule, int64_t stage, int64_t index, int64_t warmup)
{
    int64_t total = per_pass(schedule);
    int64_t after = index - warmup, pairs = total - warmup;
    if (after < 0)
        return nth(schedule, stage, MPP_PASS_FORWARD, index);
    if (after >= 2 * pairs)
        return nth(schedule, stage, MPP_PASS_BACKWARD, after - pairs);
    if (after % 2 == 0)
        return nth(schedule, stage, MPP_PASS_BACKWARD, after / 2);
    return nth(schedule, stage, MPP_PASS_FORWARD, warmup + after / 2);
}

/** Of the units alive after warm-up, those of @chunk: each group fills the chunks in turn, pp micro-batches at a time. */
int64_t mpp_schedule_in_flight(const MppSchedule *schedule, int64_t chunk)
{
    int64_t pp = schedule->pp, vpp = schedule->vpp, local = chunk / pp;
    int64_t alive = types[schedule->kind].warmup(schedule, chunk % pp);
    if (vpp == 1)
        return alive;
    int64_t whole = alive / (pp * vpp), rest = alive % (pp * vpp);
    return whole * pp + CLAMP(rest - local * pp, 0, pp);
}
