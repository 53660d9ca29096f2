"""Greeting servers of Python, Node and Go are judged rightly, each in its own habit: the good and the naive ones."""

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sockproto.check.judging import CheckContext, cases, chosen
from sockproto.check.running import run
from sockproto.check.started import Started
from sockproto.check.target import find, free_port
from sockproto.check.timing import Patience
from sockproto.check.verdict import Report, Verdict
from tests.hanging import TIMEOUT
from tests.live.peers import SOCKPROTO
from tests.live.server import need

SOURCES = Path(__file__).with_name("habits")

PATIENT = Patience(answer=5, silence=0.1, case=30, run=300)  # for a machine that does much else
HURRIED = Patience(answer=1, silence=0.1, case=10, run=100)  # where much is waited for in vain
