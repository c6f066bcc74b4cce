"""Real Apache Kafka brokers (KRaft, each broker and controller)."""

import subprocess
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from child_process import ChildProcess
from waiting import wait_for

JARS = Path(__file__).resolve().parents[1] / "kafka" / "broker" / "jars"
#: Of the cluster, as `kafka-storage.sh random-uuid` prints them.
CLUSTER_UUID = "MkU3OEVBNTcwNTJENDM2Qg"
#: One compiler and a small heap, for a quick start beside other processes.
JAVA = [
    *("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-cp", f"{JARS}/*"),
]


def quiet_admin(addresses, **settings):
    """A client that says nothing of brokers that are down."""
    return AdminClient(
        {"bootstrap.servers": addresses, "log_level": 0, **settings},
        logger=Silent(),
    )


class Silent:
    def log(self, *words, **more):
        pass


class Broker(ChildProcess):
    def __init__(self, number, folder, place, ports):
        super().__init__(f"broker-{number}", folder, place)
        self.number = number
        self.port, self.controller_port = ports
        self.admin = None

    @property
    def address(self):
        return f"{self.place.address}:{self.port}"

    @property
    def properties(self):
        return self.folder / "server.properties"

    def write_properties(self, voters, settings):
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = {
            "process.roles": "broker,controller",
            "node.id": self.number,
            "controller.quorum.voters": ",".join(
                f"{one.number}@{one.place.address}:{one.controller_port}"
                for one in voters
            ),
            "listeners": f"PLAINTEXT://{self.address},"
            f"CONTROLLER://{self.place.address}:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.folder / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": min(3, len(voters)),
            # A dead broker is noticed in seconds.
            "broker.session.timeout.ms": 6000,
            "broker.heartbeat.interval.ms": 1000,
            "replica.lag.time.max.ms": 6000,
            **settings,
        }
        self.properties.write_text(
            "".join(f"{name}={value}\n" for name, value in lines.items())
        )

    def start_formatting(self):
        output = open(self.folder / "format.log", "wb")
        words = ["format", "-t", CLUSTER_UUID, "-c", self.properties]
        return subprocess.Popen(
            [*JAVA, "kafka.tools.StorageTool", *map(str, words)],
            stdout=output,
            stderr=output,
        )

    def command(self):
        return [*JAVA, "kafka.Kafka", self.properties]

    def is_ready(self):
        self.admin = self.admin or quiet_admin(
            self.address, **{"socket.timeout.ms": 2000}
        )
        try:
            return bool(self.admin.list_topics(timeout=1).brokers)
        except KafkaException:
            return False


class Brokers:
    """Started side by side; `settings` are of all of them."""

    def __init__(self, folder, count, network, settings=None):
        self.folder = Path(folder)
        assert JARS.is_dir(), (
            f"{JARS} is not there; run tests/kafka/broker/install.sh"
        )
        self.all = []
        for number in range(1, count + 1):
            place = network.place(f"broker-{number}")
            ports = network.free_ports(place, 2)
            name = self.folder / f"broker-{number}"
            self.all.append(Broker(number, name, place, ports))
        for broker in self.all:
            broker.write_properties(self.all, settings or {})
        self.watcher = None

    def __iter__(self):
        return iter(self.all)

    @property
    def addresses(self):
        return ",".join(broker.address for broker in self.all)

    def start(self):
        formatting = [
            broker.start_formatting()
            for broker in self.all
            # One that was here before keeps what it has.
            if not (broker.folder / "data" / "meta.properties").exists()
        ]
        for process in formatting:
            assert process.wait(120) == 0, "\n".join(
                (one.folder / "format.log").read_text() for one in self.all
            )
        for broker in self.all:
            broker.launch()
        for broker in self.all:
            broker.wait_ready()
        wait_for(lambda: self.count_up() == len(self.all), 120)
        return self

    def metadata(self):
        """The cluster as a broker that is up sees it; None when none does."""
        # One that is cut off does not answer, and another has to be asked.
        self.watcher = self.watcher or quiet_admin(
            self.addresses, **{"socket.timeout.ms": 2000}
        )
        try:
            return self.watcher.list_topics(timeout=3)
        except KafkaException:
            return None

    def count_up(self):
        found = self.metadata()
        return len(found.brokers) if found else 0

    def is_whole(self):
        """Whether each replica of each partition is in sync."""
        found = self.metadata()
        return (
            found is not None
            and len(found.brokers) == len(self.all)
            and all(
                len(partition.isrs) == len(partition.replicas)
                for topic in found.topics.values()
                for partition in topic.partitions.values()
            )
        )

    def close(self):
        for broker in self.all:
            broker.close()
