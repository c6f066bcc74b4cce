"""Random faults in a cluster of processes, one driver, one seed.

Every fault ends: after a random time what was killed starts again, what was
paused goes on, what was cut is mended. What ended by itself for want of a
broker, when it was started while cut off, is started again, as a service
manager would; whatever else ends by itself is a failure. Of the brokers one at a time is hurt,
and the next only when all replicas are in sync again; of the nodes one at
least is left alone.
"""

import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass

#: What a node or an agent says that finds no broker when it starts.
NO_BROKER = "no Kafka broker answers"

#: Seconds between two faults, and for which a fault lasts.
BETWEEN_S = (0.3, 3.0)
LASTS_S = {
    "kill": (0.2, 6.0),
    "pause": (0.2, 12.0),
    "cut": (0.5, 12.0),
}
#: A dead or paused broker may be noticed, or come back before that.
BROKER_LASTS_S = (1.0, 10.0)
MEND_S = 120


@dataclass
class Fault:
    kind: str
    victim: object
    begun: float
    until: float
    undo: callable


@dataclass
class Impaired:
    """For the account of who could own a shard when: the node could not from
    `since` to `until`, and lost what it owned if it was `killed`."""

    node: str
    since_ms: float
    until_ms: float
    killed: bool


class FaultDriver:
    def __init__(self, cluster, seed, say=print, kinds=None):
        self.cluster = cluster
        self.random = random.Random(f"{seed}-faults")
        self.say = say
        self.counts = Counter()
        self.active = []
        self.impaired = []
        self.errors = []
        self.ending = threading.Event()
        #: Set when going on would prove nothing.
        self.failed = threading.Event()
        self.weights = {
            "kill node": 5,
            "pause node": 4,
            "kill agent": 4,
            "pause agent": 2,
            "kill keeper": 2,
            "kill broker": 2,
            "pause broker": 2,
        }
        if cluster.network.can_cut:
            self.weights.update(
                {
                    "cut node": 3,
                    "cut agent": 2,
                    "cut broker": 1,
                    "cut node from broker": 3,
                    "cut node from node": 3,
                }
            )
        if kinds:
            unknown = set(kinds) - set(self.weights)
            assert not unknown, f"no such faults here: {unknown}"
            self.weights = {kind: self.weights[kind] for kind in kinds}
        self.thread = threading.Thread(target=self.run)

    def start(self):
        self.began = time.monotonic()
        self.thread.start()
        return self

    def stop(self):
        """No more faults; all of them are undone, all processes run."""
        self.ending.set()
        self.thread.join(MEND_S * 2)
        assert not self.thread.is_alive(), "the faults do not end"
        assert not self.errors, self.errors

    def run(self):
        try:
            while not self.ending.is_set():
                self.undo_due()
                self.begin(self.draw())
                self.revive()
                due = time.monotonic() + self.random.uniform(*BETWEEN_S)
                while not self.ending.is_set() and time.monotonic() < due:
                    self.undo_due()
                    self.ending.wait(0.05)
            for fault in list(self.active):
                self.undo(fault)
            self.revive()
        except Exception as error:  # told by `stop`
            self.errors.append(error)
            self.failed.set()

    def revive(self):
        hurt = self.hurt()
        for one in [*self.cluster.nodes, *self.cluster.agents]:
            if id(one) in hurt or one.is_running:
                continue
            last = one.log_tail().rstrip().rpartition("\n")[2]
            assert NO_BROKER in last, f"{one.name} ended:\n{one.log_tail()}"
            one.launch()
            self.counts["started again: there was no broker"] += 1

    def draw(self):
        kinds, weights = zip(*self.weights.items())
        return self.random.choices(kinds, weights)[0]

    # Who may be hurt

    def hurt(self):
        return {
            id(one)
            for fault in self.active
            for one in (
                fault.victim
                if isinstance(fault.victim, tuple)
                else (fault.victim,)
            )
        }

    def healthy(self, processes, left_alone=0):
        """One at random of those that nothing ails, if more than so many of
        them are so."""
        hurt = self.hurt()
        free = [
            one
            for one in processes
            if one.is_running and id(one) not in hurt
        ]
        if len(free) <= left_alone:
            return None
        return self.random.choice(free)

    def healthy_broker(self):
        brokers = self.cluster.brokers.all
        if self.hurt() & {id(broker) for broker in brokers}:
            return None
        if len(brokers) < 3 or not self.cluster.brokers.is_whole():
            return None
        return self.random.choice(brokers)

    # Faults

    def begin(self, kind):
        verb, _, what = kind.partition(" ")
        victim = {
            "node": lambda: self.healthy(self.cluster.nodes, 1),
            "agent": lambda: self.healthy(self.cluster.agents),
            "keeper": lambda: self.healthy(self.cluster.agents),
            "broker": self.healthy_broker,
            "node from broker": self.node_and_broker,
            "node from node": self.two_nodes,
        }[what]()
        if victim is None:
            return
        if what == "keeper":
            if victim.signal_keeper(signal.SIGKILL):
                self.note(kind, victim, 0)
            return
        bounds = BROKER_LASTS_S if what == "broker" else LASTS_S[verb]
        lasts = self.random.uniform(*bounds)
        undo = getattr(self, verb)(victim)
        now = time.monotonic()
        self.active.append(Fault(kind, victim, now, now + lasts, undo))
        self.note(kind, victim, lasts)

    def note(self, kind, victim, lasts):
        self.counts[kind] += 1
        names = victim if isinstance(victim, tuple) else (victim,)
        at = time.monotonic() - self.began
        self.say(
            f"{at:7.1f} s  {kind}: {' | '.join(one.name for one in names)}"
            + (f", for {lasts:.1f} s" if lasts else "")
        )

    def node_and_broker(self):
        node = self.healthy(self.cluster.nodes, 1)
        return node and (node, self.random.choice(self.cluster.brokers.all))

    def two_nodes(self):
        node = self.healthy(self.cluster.nodes, 1)
        others = [one for one in self.cluster.nodes if one is not node]
        return node and others and (node, self.random.choice(others))

    def kill(self, victim):
        victim.kill()
        return victim.launch

    def pause(self, victim):
        victim.pause()
        return victim.go_on

    def cut(self, victim):
        network = self.cluster.network
        if isinstance(victim, tuple):
            one, other = (process.place for process in victim)
            network.cut(one, other)
            return lambda: network.mend(one, other)
        network.isolate(victim.place)
        return lambda: network.join(victim.place)

    # Their ends

    def undo_due(self):
        now = time.monotonic()
        for fault in list(self.active):
            if fault.until <= now:
                self.undo(fault)

    def undo(self, fault):
        fault.undo()
        self.active.remove(fault)
        if fault.victim in self.cluster.nodes:
            wall_ms = time.time() * 1000
            self.impaired.append(
                Impaired(
                    fault.victim.name,
                    wall_ms - (time.monotonic() - fault.begun) * 1000,
                    wall_ms,
                    fault.kind.startswith("kill"),
                )
            )
