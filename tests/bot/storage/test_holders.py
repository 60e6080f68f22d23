"""A name for claims dies with its process, and the next one knows whose claims are free."""

import subprocess
import sys
from pathlib import Path

from bot.storage import holders

HOLD = """
import sys, time
from pathlib import Path
from bot.storage import holders
held = holders.take(Path(sys.argv[1]))
print(held.name, flush=True)
time.sleep(60)
"""


def start(folder: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_killed_process_frees_its_slot_and_its_name_is_known(tmp_path: Path) -> None:
    process, name = start(tmp_path)
    assert holders.any_held(tmp_path)
    kill(process)
    assert not holders.any_held(tmp_path)
    held = holders.take(tmp_path)
    assert held.former == (name,)
    assert held.name != name
    held.release()


def test_the_names_of_all_killed_workers_are_known_to_the_first_one_that_starts(tmp_path: Path) -> None:
    started = [start(tmp_path) for _ in range(3)]
    for process, _ in started:
        kill(process)
    held = holders.take(tmp_path)
    assert sorted(held.former) == sorted(name for _, name in started)
    held.forget_former()
    other = holders.take(tmp_path)
    assert other.former == ()
    held.release()
    other.release()


def test_the_name_of_a_living_worker_is_nobodys(tmp_path: Path) -> None:
    process, name = start(tmp_path)
    held = holders.take(tmp_path)
    assert name not in held.former
    kill(process)
    held.release()


def test_two_in_one_process_have_two_slots(tmp_path: Path) -> None:
    first, second = holders.take(tmp_path), holders.take(tmp_path)
    assert first.name != second.name
    assert first.file.name != second.file.name
    first.release()
    second.release()


def test_who_only_looks_takes_no_slot_from_a_worker(tmp_path: Path) -> None:
    """/readyz looks while workers start; the first one must still find the first slot's former name."""
    process, name = start(tmp_path)
    kill(process)
    looking = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from bot.storage import holders\n"
            "while True: holders.any_held(Path(sys.argv[1]))",
            str(tmp_path),
        ]
    )
    try:
        held = holders.take(tmp_path)
    finally:
        looking.kill()
        looking.wait()
    assert held.former == (name,)
    held.release()


def test_without_a_worker_nothing_is_held(tmp_path: Path) -> None:
    assert not holders.any_held(tmp_path / "nowhere")


def test_names_are_not_lost_when_the_next_worker_is_killed_before_it_freed_their_claims(
    tmp_path: Path,
) -> None:
    names = []
    for _ in range(3):
        process, name = start(tmp_path)
        names.append(name)
        kill(process)
    held = holders.take(tmp_path)
    assert sorted(held.former) == sorted(names)
    held.forget_former()
    held.release()
    last = holders.take(tmp_path)
    assert last.former == (held.name,)
    last.release()
