"""HTTP clients in a process of their own: each keeps one connection open, posts its bodies, notes how long each answer took.

``python client.py <port> <path> <token[,token ...]> <clients> <seconds> <records>`` prints [answers a second, [seconds of each answer]].
"""

import http.client
import json
import sys
import threading
import time
from random import Random

from house import now_ms, samples, uuid


def main(port: int, path: str, tokens: list[str], clients: int, seconds: float, records: int) -> None:
    rng = Random(now_ms())
    made = json.dumps(samples(rng, now_ms() // 1000 - records * 60 - rng.randrange(10**7), records, uuids=True))
    took: list[list[float]] = [[] for _ in range(clients)]
    began = time.perf_counter()
    threads = [
        threading.Thread(target=_post, args=(port, path, tokens[number % len(tokens)], made, began + seconds, uuid(rng), one))
        for number, one in enumerate(took)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - began
    print(json.dumps([sum(map(len, took)) / spent, [one for part in took for one in part]]))


def _post(port: int, path: str, token: str, made: str, until: float, batch: str, took: list[float]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    name = f"{batch} {threading.get_ident()}"
    index = 0
    while (began := time.perf_counter()) < until:
        body = f'{{"batch":"{name}","index":{index},"final":false,"samples":{made}}}'
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 202:
            raise RuntimeError(f"{path} answered {answer.status}")
        took.append(time.perf_counter() - began)
        index += 1
    connection.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3].split(","), int(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6]))
