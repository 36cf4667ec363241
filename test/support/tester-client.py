"""A tester's client in Python, written from the contract alone: stubs of the proto files, and Debian's grpcio.

  tester-client.py stream HOST:PORT RESULTS   streams results through SyncTestData, and resumes after every cut
  tester-client.py find HOST:PORT RESULTS     looks for each of them through GetHistoricalTests

Result k of the stream, from 1, is test (k - 1) % 100 of die (k - 1) // 100.
"""

import json
import sys
import threading
import time

import grpc
from wafersync.v1 import equipment_pb2 as pb
from wafersync.v1 import equipment_pb2_grpc as rpc

TESTS = 100
WINDOW = 1000  # results that may wait to be acknowledged
NAMES = {"equipment_id": "PY-1", "stream_id": "python"}
OPTIONS = [("grpc.enable_http_proxy", 0), ("grpc.initial_reconnect_backoff_ms", 20)]
PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL)


def value_of(k):
    return k * 0.5 + 0.1


def passed(k):
    return k % 7 != 0


class Stream:
    """One stream, over as many calls as it takes."""

    def __init__(self, address, results):
        self.address = address
        self.results = results
        self.through = 0
        self.news = threading.Condition()

    def run(self):
        calls = 0
        while True:
            calls += 1
            try:
                ack = self.call()
                return {"calls": calls, "through": ack.through_sequence, "run_id": ack.run_id}
            except grpc.RpcError as error:
                if error.code() not in PASSING:
                    raise
                time.sleep(0.02)

    def call(self):
        over = threading.Event()
        opened = threading.Event()
        with grpc.insecure_channel(self.address, OPTIONS) as channel:
            call = rpc.TestEquipmentStub(channel).SyncTestData(self.messages(over, opened))
            try:
                for ack in call:
                    with self.news:
                        self.through = max(self.through, ack.through_sequence)
                        opened.set()
                        self.news.notify()
                    print(f"through {self.through}", flush=True)
                return ack
            finally:
                over.set()
                with self.news:
                    self.news.notify()

    def messages(self, over, opened):
        """An empty batch asks how far the stream is durable; then what follows, a die a message or a result a message."""
        yield pb.TestResult(**NAMES, batch=pb.ResultBatch())
        with self.news:
            self.news.wait_for(lambda: opened.is_set() or over.is_set())
            sent = self.through
        define = [pb.BatchTest(name=f"test {i}", number=i, units="V") for i in range(TESTS)]
        while sent < self.results and not over.is_set():
            die, test = divmod(sent, TESTS)
            if die % 2 == 0 and test == 0:
                ks = range(sent + 1, sent + TESTS + 1)
                yield pb.TestResult(
                    **NAMES, **place(die), stream_sequence=sent + 1, last_of_die=True,
                    batch=pb.ResultBatch(define=define, values=map(value_of, ks), pass_fail=map(passed, ks)),
                )
                define = []
                sent += TESTS
            else:
                sent += 1
                yield pb.TestResult(
                    **NAMES, **place(die), stream_sequence=sent, last_of_die=test == TESTS - 1,
                    test_name=f"test {test}", test_number=test, units="V",
                    test_value=value_of(sent), pass_fail=passed(sent),
                )
            with self.news:
                self.news.wait_for(lambda: sent - self.through < WINDOW or over.is_set())


def place(die):
    return {"lot": "PY", "wafer_id": "W1", "die_x": die % 10, "die_y": die // 10}


def find(address, results):
    """How many of the results are there once, and what else is."""
    wanted = {}
    for k in range(1, results + 1):
        die, test = divmod(k - 1, TESTS)
        wanted[(die % 10, die // 10, f"test {test}", value_of(k), passed(k))] = 0
    others = 0
    with grpc.insecure_channel(address, OPTIONS) as channel:
        for found in rpc.TestEquipmentStub(channel).GetHistoricalTests(pb.TestQuery(lot="PY")):
            key = (found.die_x, found.die_y, found.test_name, found.test_value, found.pass_fail)
            if key in wanted and found.equipment_id == "PY-1" and found.fab_id == "tw":
                wanted[key] += 1
            else:
                others += 1
    return {"once": sum(1 for count in wanted.values() if count == 1), "others": others}


if __name__ == "__main__":
    command, address, results = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print(json.dumps(Stream(address, results).run() if command == "stream" else find(address, results)))
