"""Projects: what a person puts into one is in its next sandbox, what a run writes is kept, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import pytest_asyncio
from e2b_code_interpreter import AsyncSandbox

from artifacts.store import Store
from graphs.errors import InputError
from graphs.request import Request, Terms
from graphs.workbench import Workbench
from gristmill.projects import LocalProjects, settled
from kernel_gateway.client import connection
from notebooks.projects import NoProject, ProjectError, wanted

pytestmark = pytest.mark.asyncio(loop_scope="session")

WRITES = """\
from pathlib import Path
seen = sorted(str(p) for p in Path("project").iterdir())
print(seen)
text = Path("project/notes.txt").read_text()
Path("project/notes.txt").write_text(text + "more\\n")
Path("project/out").mkdir(exist_ok=True)
Path("project/out/new.csv").write_text("a\\n1\\n");
"""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bench(with_gateway, tmp_path_factory):
    with Store.open(with_gateway(tmp_path_factory.mktemp("projects") / "home")) as store:
        workbench = Workbench(store, rerun=False, limit=2)
        yield workbench
        await workbench.close()


def notebook(folder: Path, code: str) -> Path:
    from notebooks.nb import nbformat

    path = folder / "own.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), path)
    return path


async def run(bench, path: Path, name: str):
    begun = await bench.start_notebook(str(path), {}, project={"project": name})
    await asyncio.wait_for(bench.wait(begun.id), 300)
    view = bench.store.view(begun.id)
    assert view.run.status == "done", view.error
    return view


async def test_files_go_into_the_next_sandbox_and_what_is_written_is_kept(bench, tmp_path):
    own = LocalProjects(bench)
    await own.create(wanted(name="stall", about="Figures"))
    file = tmp_path / "notes.txt"
    file.write_text("mine\n")
    await own.put("stall", "notes.txt", file)
    view = await run(bench, notebook(tmp_path, WRITES), "stall")
    assert view.executions[0].text.strip() == "['project/notes.txt']"
    assert await own.read("stall", "notes.txt") == b"mine\nmore\n"
    assert (await own.get("stall")).files == {"notes.txt": 10, "out/new.csv": 4}
    again = await run(bench, notebook(tmp_path, "print(open('project/out/new.csv').read())"), "stall")
    assert again.executions[0].text.split() == ["a", "1"]
    assert [r.id for r in bench.store.runs(project="stall")] == [again.run.id, view.run.id]
    assert bench.store.runs(project="default") == []
    repeated = await bench.start_reproduce(view.run.id)
    await asyncio.wait_for(bench.wait(repeated.id), 300)
    assert bench.store.view(repeated.id).comparison.holds, "it had the files as they were then"
    assert await own.read("stall", "notes.txt") == b"mine\nmore\n", "and wrote nothing into the project"


async def test_projects_of_one_name_in_two_data_folders_share_no_files(bench, with_gateway, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("mine\n")
    own = LocalProjects(bench)
    made = await own.create(wanted(name="twice"))
    await own.put("twice", "notes.txt", file)
    with Store.open(with_gateway(tmp_path / "home")) as store:
        workbench = Workbench(store, rerun=False)
        other = LocalProjects(workbench)
        beside = await other.create(wanted(name="twice"))
        assert beside.volume != made.volume
        assert (await other.get("twice")).files == {}
        await other.delete("twice")
        await workbench.close()
    assert (await own.get("twice")).files == {"notes.txt": 5}

    definition = Path(made.folder) / "project.json"  # as it was kept before projects had a volume's name
    kept = json.loads(definition.read_text())
    del kept["volume"]
    definition.write_text(json.dumps(kept))
    assert (await own.get("twice")).files == {}
    await own.put("twice", "old.txt", file)
    assert (await own.get("twice")).files == {"old.txt": 5}


async def test_what_both_changed_is_kept_side_by_side_and_said(bench, tmp_path):
    own = LocalProjects(bench)
    await own.create(wanted(name="both"))
    file = tmp_path / "notes.txt"
    file.write_text("first\n")
    await own.put("both", "notes.txt", file)
    begun = await bench.start_notebook(
        str(
            notebook(
                tmp_path,
                "import time\nfrom pathlib import Path\nPath('ready').write_text('')\n"
                "while not Path('go').exists():\n    time.sleep(0.05)\n"
                "Path('project/notes.txt').write_text('by the run')",
            )
        ),
        {},
        project={"project": "both"},
    )
    async for _ in bench.follow(begun.id):
        if bench.store.view(begun.id).executions:
            break
    host = await bench.host()
    sandbox = await AsyncSandbox.connect(bench.store.view(begun.id).sandboxes[-1].sandbox_id, **connection(host))
    file.write_text("by a person\n")
    await own.put("both", "notes.txt", file)
    await sandbox.files.write("/home/user/go", "")
    await asyncio.wait_for(bench.wait(begun.id), 300)
    assert await own.read("both", "notes.txt") == b"by a person\n"
    assert await own.read("both", f"notes ({begun.id}).txt") == b"by the run"
    assert any("was changed by somebody else" in n.text for n in bench.store.view(begun.id).notes)


async def test_what_a_run_deletes_is_deleted_said_and_can_be_brought_back(bench, tmp_path):
    own = LocalProjects(bench)
    await own.create(wanted(name="less"))
    file = tmp_path / "a.txt"
    for name in ("old.txt", "deep/down/in/it/old.txt", "kept.txt"):
        file.write_text(f"{name}\n")
        await own.put("less", name, file)
    code = "import os\nos.remove('project/old.txt')\nopen('project/brief.txt', 'w').close()"
    view = await run(bench, notebook(tmp_path, code), "less")
    assert set((await own.get("less")).files or ()) == {"deep/down/in/it/old.txt", "kept.txt", "brief.txt"}
    (note,) = (n.text for n in view.notes if "deleted" in n.text)
    kept = next(a for a in view.artifacts if a.name == "project/old.txt")
    assert kept.id in note
    assert bench.store.read(kept) == b"old.txt\n"
    view = await run(bench, notebook(tmp_path, "import os\nos.remove('project/brief.txt')"), "less")
    assert "brief.txt" not in ((await own.get("less")).files or {})


async def test_of_two_runs_at_once_neither_overwrites_or_deletes_what_the_other_wrote(bench, tmp_path):
    own = LocalProjects(bench)
    await own.create(wanted(name="two"))
    file = tmp_path / "a.txt"
    for name in ("same.txt", "gone.txt"):
        file.write_text("first\n")
        await own.put("two", name, file)
    wait = "import time, os\nfrom pathlib import Path\nwhile not Path('go').exists():\n    time.sleep(0.05)\n"
    begun = []
    for name, code in (
        ("one", "Path('project/same.txt').write_text('one')\nPath('project/gone.txt').write_text('new')"),
        ("two", "Path('project/same.txt').write_text('two')\nos.remove('project/gone.txt')"),
    ):
        (tmp_path / name).mkdir()
        path = str(notebook(tmp_path / name, wait + code))
        begun.append((await bench.start_notebook(path, {}, project={"project": "two"})).id)
    for id in begun:
        async for _ in bench.follow(id):
            if bench.store.view(id).executions:
                break
    for id in begun:  # both have the files as they were
        sandbox = await AsyncSandbox.connect(
            bench.store.view(id).sandboxes[-1].sandbox_id, **connection(await bench.host())
        )
        await sandbox.files.write("/home/user/go", "")
        await asyncio.wait_for(bench.wait(id), 300)
        assert bench.store.run(id).status == "done"
    beside = f"same ({begun[1]}).txt"
    assert set((await own.get("two")).files or ()) == {"same.txt", beside, "gone.txt"}
    said = [await own.read("two", name) for name in ("same.txt", beside, "gone.txt")]
    assert said == [b"one", b"two", b"new"]
    notes = [n.text for n in bench.store.view(begun[1]).notes if n.level == "warning"]
    assert any(beside in n for n in notes)
    assert any("deleted gone.txt" in n and "stays" in n for n in notes)


async def test_a_project_s_settings_are_those_of_its_runs_unless_they_say_otherwise(bench, tmp_path):
    own = LocalProjects(bench)
    await own.create(wanted(name="set", settings={"model": "ollama:qwen3", "budget": "tokens=5", "agent": "poet"}))
    agents = bench.store.home / "projects" / "set" / "agents"
    (agents / "poet.md").write_text("---\nname: poet\nbase: coder\n---\nYou rhyme.\n")
    asked = settled(bench.store.home, Request(question="x?", terms=Terms(project="set", approve="ask")))
    assert (asked.model, asked.terms.agent, asked.terms.budget.tokens) == ("ollama:qwen3", "poet", 5)
    assert asked.terms.approve == "ask"
    assert (await own.get("set")).agents == ("poet",)
    with pytest.raises(NoProject, match="no project 'nobody'; there is default"):
        settled(bench.store.home, Request(question="x?", terms=Terms(project="nobody")))
    table = tmp_path / "t.csv"
    table.write_text("a\n1\n")
    with pytest.raises(InputError, match="no agent 'poet'"):
        await bench.start(Request(question="x?", files=(table,), terms=Terms(agent="poet")))


async def test_a_project_that_cannot_be_is_a_sentence_and_a_deleted_one_leaves_its_runs(bench, tmp_path):
    own = LocalProjects(bench)
    for name, fault in (("default", "without a project"), ("No Name", "small letters"), ("../x", "small letters")):
        with pytest.raises(ProjectError, match=fault):
            await own.create(wanted(name=name))
    await own.create(wanted(name="gone"))
    with pytest.raises(ProjectError, match="already"):
        await own.create(wanted(name="gone"))
    with pytest.raises(ProjectError, match="no path"):
        await own.put("gone", "../../etc/passwd", Path(__file__))
    view = await run(bench, notebook(tmp_path, "open('project/a.txt', 'w').write('kept')"), "gone")
    repeated = await bench.start_reproduce(view.run.id)
    await asyncio.wait_for(bench.wait(repeated.id), 300)
    assert bench.store.view(repeated.id).comparison.holds, "the folder is there in a fresh sandbox, too"
    assert (await own.delete("gone")).files == {"a.txt": 4}
    assert not (bench.store.home / "projects" / "gone").exists()
    assert bench.store.run(view.run.id).params["project"] == "gone"
    with pytest.raises(NoProject):
        await own.get("gone")
