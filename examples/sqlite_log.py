"""What was seen, in a database: one row a second for each person, and a summary at the end.

python sqlite_log.py DATABASE [SOURCE]

A sink of your own needs two methods, `write` and `close`.
"""

import sqlite3
import sys
import time

import ferlite

TABLE = "CREATE TABLE IF NOT EXISTS seen (time REAL, person INTEGER, label TEXT, probability REAL)"


class SqliteLog:
    """At most one row a second for each person; time is the clock's, in seconds since 1970."""

    def __init__(self, path: str) -> None:
        self.database = sqlite3.connect(path)
        self.database.execute(TABLE)
        self.written: dict[int | None, float] = {}

    def write(self, result: ferlite.FrameResult) -> None:
        now = result.frame.timestamp
        for face in result.faces:
            if now - self.written.get(face.track_id, -1.0) >= 1.0:
                self.written[face.track_id] = now
                row = time.time(), face.track_id, face.label, float(face.probabilities.max())
                self.database.execute("INSERT INTO seen VALUES (?, ?, ?, ?)", row)
        self.database.commit()

    def close(self) -> None:
        self.database.close()


log = SqliteLog(sys.argv[1])
try:
    with ferlite.Pipeline(sys.argv[2] if len(sys.argv) > 2 else 0) as pipeline:
        for result in pipeline:
            log.write(result)
except KeyboardInterrupt:
    pass
finally:
    for label, count in log.database.execute("SELECT label, count(*) FROM seen GROUP BY label ORDER BY 2 DESC"):
        print(f"{label}: {count}")
    log.close()
