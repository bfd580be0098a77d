"""A camera's newest result over HTTP, with FastAPI.

pip install fastapi uvicorn; SOURCE=0 uvicorn fastapi_live:app; curl http://127.0.0.1:8000/faces

One thread follows the camera for all who ask. `ferlite run --web` has all of this and a page to look at.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

from fastapi import FastAPI, HTTPException

import ferlite

newest: dict[str, Any] = {}


def follow(pipeline: ferlite.Pipeline) -> None:
    try:
        for result in pipeline:
            newest["result"] = result.as_dict()
    except ferlite.FerliteError as error:
        newest["error"] = str(error)


@asynccontextmanager
async def camera(_: FastAPI) -> AsyncIterator[None]:
    with ferlite.Pipeline(os.environ.get("SOURCE", "0"), max_fps=10) as pipeline:
        Thread(target=follow, args=(pipeline,), daemon=True).start()
        yield


app = FastAPI(lifespan=camera)


@app.get("/faces")
def faces() -> dict[str, Any]:
    if "error" in newest:
        raise HTTPException(503, newest["error"])
    if "result" not in newest:
        raise HTTPException(503, "no picture yet")
    return newest["result"]
