"""A training job event by event, in plain objects: slow, obvious, and what `hwmodel.balance.model.simulate` must say.

What happens at the same moment happens in this order: phases on threads end in the order in which they got their
thread, delays end by the actors' numbers, the device ends a batch, replies go out, the device ends a step, a step
begins, the server wakes. Of tasks whose slices would end at the same time, the one with the lowest number comes first:
actors, then the server, then the learner.
"""

import math

from hwmodel.balance.model.demands import Demands, Flow
from hwmodel.balance.model.simulate import WARM

TINY = 1e-12


class Task:
    def __init__(self, number: int) -> None:
        self.number = number
        self.need = 0.0  # CPU time left of its phase
        self.slice = 0.0  # left of its slice
        self.had = 0.0  # CPU time, on the scale of the fair share
        self.due = 0.0  # when its slice would end, on that scale
        self.owed = 0.0  # while it is blocked


class Scheduler:
    """Threads shared by earliest eligible virtual deadline first, from one queue."""

    def __init__(self, threads: int, slice_s: float) -> None:
        self.threads, self.slice_s = threads, slice_s
        self.running: list[Task] = []
        self.queue: list[Task] = []
        self.fair = 0.0

    def wake(self, task: Task, need: float) -> None:
        task.need = need
        task.had = self.fair - task.owed
        task.due = task.had + self.slice_s
        self.queue.append(task)

    def block(self, task: Task) -> None:
        task.owed = min(max(self.fair - task.had, -self.slice_s), self.slice_s)

    def next(self) -> Task | None:
        """Return a task that gets a thread now."""
        free = self.threads - len(self.running)
        if not free or not self.queue:
            return None
        fit = self.queue if len(self.queue) <= free else [t for t in self.queue if t.had <= self.fair + TINY]
        best = min(fit, key=lambda t: (t.due, t.number)) if fit else min(self.queue, key=lambda t: (t.had, t.number))
        self.queue.remove(best)
        best.slice = self.slice_s
        self.running.append(best)
        return best

    def advance(self, step: float) -> None:
        if ready := len(self.running) + len(self.queue):
            self.fair += step * min(1.0, self.threads / ready)
        for task in self.running:
            task.need -= step
            task.slice -= step
            task.had += step

    def end_slice(self, task: Task) -> bool:
        """Return whether a task whose slice is over leaves its thread to others."""
        task.due = task.had + self.slice_s
        task.slice = self.slice_s
        if self.queue:
            self.queue.append(task)
            return True
        return False


class Device:
    """Runs a batch of the server and a step of the learner, in turns or with half of it each."""

    def __init__(self, turns: int) -> None:
        self.turns = turns
        self.left: dict[str, float] = {}  # of who is on it, in the order of coming

    def speed(self, who: str) -> float:
        if len(self.left) < 2:
            return 1.0
        if self.turns:
            return 1.0 if next(iter(self.left)) == who else 0.0
        return 0.5

    def next_end(self) -> float:
        return min((left / self.speed(who) for who, left in self.left.items() if self.speed(who)), default=math.inf)

    def advance(self, step: float) -> dict[str, float]:
        """Return what each had of the device."""
        had = {who: step * self.speed(who) for who in self.left}
        for who, share in had.items():
            self.left[who] -= share
        return had

    def end(self, who: str) -> bool:
        if who in self.left and self.left[who] <= TINY:
            del self.left[who]
            return True
        return False


class Job:
    def __init__(self, d: Demands, pool: list[float]) -> None:
        self.d, self.pool = d, pool
        self.cpu, self.device = Scheduler(d.threads, d.slice_s), Device(d.turns)
        self.actors = [Task(number) for number in range(d.actors)]
        self.server, self.learner = Task(d.actors), Task(d.actors + 1)
        self.drawn = 0
        self.now = 0.0
        self.delayed: dict[Task, float] = {}
        self.posted: list[tuple[Task, float]] = []  # requests that wait, and since when
        self.batch: list[tuple[Task, float]] = []
        self.server_is = "idle"  # woken, gathers, on the device, replies
        self.learning = False
        self.credit = 0.0
        self.served = self.batches = self.steps = 0
        self.totals = dict.fromkeys(
            ("actor", "server", "learner", "serve", "learn", "actors wait", "wait", "queue"), 0.0
        )
        for actor in self.actors:
            self.act(actor)

    def act(self, actor: Task) -> None:
        self.cpu.wake(actor, self.d.actor_s * self.pool[self.drawn % len(self.pool)])
        self.drawn += 1

    def gather(self) -> None:
        self.server_is = "gathers"
        self.batch, self.posted = self.posted[: self.d.most], self.posted[self.d.most :]
        self.server.need = self.d.gather_s + len(self.batch) * self.d.gather_each_s

    def reply_s(self) -> float:
        return self.d.reply_s + len(self.batch) * self.d.reply_each_s

    def give_threads(self) -> None:
        while (task := self.cpu.next()) is not None:
            if task is self.server and self.server_is == "woken":
                self.gather()

    def step(self) -> bool:
        """Go on to the next moment at which anything ends; return whether there is one."""
        self.give_threads()
        ends = [min(task.need, task.slice) for task in self.cpu.running]
        ends += [at - self.now for at in self.delayed.values()]
        step = min([*ends, self.device.next_end()])
        if step == math.inf:
            return False
        step = max(step, 0.0)
        self.now += step
        total = self.totals
        for task in self.cpu.running:
            total["server" if task is self.server else "learner" if task is self.learner else "actor"] += step
        for task in self.cpu.queue:
            if task is not self.learner:
                total["wait" if task is self.server else "actors wait"] += step
        self.cpu.advance(step)
        for who, had in self.device.advance(step).items():
            total[who] += had
        self.end_phases()
        return True

    def end_phases(self) -> None:
        replies = False
        running, self.cpu.running = self.cpu.running, []
        for task in running:
            if task is self.server and task.need <= TINY and self.server_is == "gathers" and not self.has_device():
                self.server_is = "replies"
                task.need = self.reply_s()
                if task.need > TINY and task.slice > TINY:
                    self.cpu.running.append(task)
                    continue
            if task.need > TINY:
                if task.slice > TINY or not self.cpu.end_slice(task):
                    self.cpu.running.append(task)
                continue
            self.cpu.block(task)
            if task is self.learner:
                self.device.left["learn"] = self.d.learn_device_s
            elif task is not self.server:
                if self.d.delay_s:
                    self.delayed[task] = self.now + self.d.delay_s
                else:
                    self.posted.append((task, self.now))
            elif self.server_is == "gathers":
                self.server_is = "on the device"
                self.device.left["serve"] = self.d.device_s + len(self.batch) * self.d.device_each_s
            else:
                replies = True
        for actor in self.actors:
            if self.delayed.get(actor, math.inf) <= self.now + TINY:
                del self.delayed[actor]
                self.posted.append((actor, self.now))
        if self.device.end("serve"):
            self.server_is = "replies"
            self.cpu.wake(self.server, self.reply_s())
        if replies:
            self.reply()
        if self.device.end("learn"):
            self.learning = False
            self.steps += 1
        if self.d.learn_every and not self.learning and self.credit >= self.d.learn_every:
            self.learning = True
            self.credit -= self.d.learn_every
            self.cpu.wake(self.learner, self.d.learn_cpu_s)
        if self.server_is == "idle" and len(self.posted) >= self.d.least and not self.held():
            if replies:  # it still has its thread
                self.cpu.running.append(self.server)
                self.gather()
            else:
                self.server_is = "woken"
                self.cpu.wake(self.server, 0.0)

    def has_device(self) -> bool:
        return self.d.device_s + self.d.device_each_s > 0

    def reply(self) -> None:
        for actor, since in self.batch:
            self.totals["queue"] += self.now - since
            self.act(actor)
        self.served += len(self.batch)
        self.credit += len(self.batch)
        self.batches += 1
        self.batch = []
        self.server_is = "idle"

    def held(self) -> bool:
        """Return whether the server waits for the learner."""
        due = self.credit + (self.d.learn_every if self.learning else 0.0)
        return self.d.learn_every > 0 and due >= (1 + self.d.ahead) * self.d.learn_every


def simulate(d: Demands, pool: list[float], requests: int) -> Flow:
    job = Job(d, pool)
    begun = None
    while job.served < requests and job.step():
        if begun is None and job.served >= int(requests * WARM):
            begun = job.now, job.served, job.batches, job.steps, dict(job.totals)
    since, served, batches, steps, totals = begun or (0.0, 0, 0, 0, dict.fromkeys(job.totals, 0.0))
    span = job.now - since
    if not span > 0:
        return Flow(*[0.0] * len(Flow._fields))
    served, batches = job.served - served, job.batches - batches
    each = {name: (job.totals[name] - totals[name]) / span for name in totals}
    return Flow(
        requests_per_s=served / span,
        batch=served / batches if batches else 0.0,
        actor_cores=each["actor"],
        server_cores=each["server"],
        learner_cores=each["learner"],
        device_serve=each["serve"],
        device_learn=each["learn"],
        actor_wait=each["actors wait"],
        server_wait=each["wait"],
        queue_s=each["queue"] * span / served if served else 0.0,
        steps_per_s=(job.steps - steps) / span,
    )
