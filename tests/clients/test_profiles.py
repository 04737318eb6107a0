"""pytest-lsp, with what several editors say they can do."""

import os
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
import pytest_lsp
from conftest import HARMLESS, HELPERS, MANIFEST, REQUEST, VIOLATION, WORKFLOW
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

PROFILES = [
    "neovim@0.6.1",
    "neovim@0.11.0",
    "emacs@29.1",
    "visual_studio_code@1.65.2",
]


@pytest_lsp.fixture(
    params=PROFILES,
    config=ClientServerConfig(server_command=[os.environ.get("RUNBOOK_LINT", "runbook-lint"), "server"]),
)
async def client(request, lsp_client: LanguageClient, tmp_path):
    capabilities = client_capabilities(request.param)
    templates = tmp_path / "runbooks" / "nav-close" / "templates"
    templates.mkdir(parents=True)
    for name, text in {"__init__": "", "workflow": WORKFLOW, "helpers": HELPERS}.items():
        (templates / f"{name}.py").write_text(text)
    (templates.parent / "runbook.md").write_text(MANIFEST)
    lsp_client.folder = templates
    lsp_client.feature("client/registerCapability")(lambda *_: None)
    result = await lsp_client.initialize_session(
        types.InitializeParams(capabilities=capabilities, root_uri=tmp_path.as_uri())
    )
    lsp_client.pulls = result.capabilities.diagnostic_provider is not None
    lsp_client.encoding = result.capabilities.position_encoding or "utf-16"
    yield
    await lsp_client.shutdown_session()


def open_document(client, name, text):
    uri = (client.folder / name).as_uri()
    document = types.TextDocumentItem(uri=uri, language_id="python", version=1, text=text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(document))
    return uri


async def diagnostics(client, uri, wanted):
    """The codes for a document, once they are as wanted."""
    while True:
        if client.pulls:
            document = types.TextDocumentIdentifier(uri)
            params = types.DocumentDiagnosticParams(text_document=document)
            found = (await client.text_document_diagnostic_async(params)).items
        else:
            await client.wait_for_notification("textDocument/publishDiagnostics")
            found = client.diagnostics.get(uri, [])
        if wanted({it.code for it in found}):
            return found


@pytest.mark.asyncio
async def test_a_violation_in_a_helper_comes_and_goes(client):
    workflow = open_document(client, "workflow.py", WORKFLOW)
    await diagnostics(client, workflow, lambda codes: "RB308" in codes)
    violation = HELPERS.replace(HARMLESS, VIOLATION)
    helpers = open_document(client, "helpers.py", violation)
    found = await diagnostics(client, workflow, lambda codes: "RB101" in codes)
    finding = next(it for it in found if it.code == "RB101")
    steps = [it.location.uri for it in finding.related_information or []]
    assert steps == [helpers] or "helpers.py:5" in finding.message
    change(client, helpers, 2, HELPERS)
    await diagnostics(client, workflow, lambda codes: "RB101" not in codes)


@pytest.mark.asyncio
async def test_a_quick_fix_and_a_new_activity(client):
    workflow = open_document(client, "workflow.py", WORKFLOW)
    found = await diagnostics(client, workflow, lambda codes: "RB308" in codes)
    texts = {workflow: WORKFLOW}
    apply(await action(client, workflow, find(found, "RB308"), "CircleCheck"), texts, client)
    assert 'icon="CircleCheck"' in texts[workflow]

    stamp = '        return "é😀" + stamp()'
    texts[workflow] = "import requests\n" + texts[workflow].replace(stamp, REQUEST)
    change(client, workflow, 2, texts[workflow])
    found = await diagnostics(client, workflow, lambda codes: "RB106" in codes)
    activities = (client.folder / "activities.py").as_uri()
    edit = await action(client, workflow, find(found, "RB106"), "new activity")
    apply(edit, texts, client)
    assert "requests.get" in texts[activities]
    change(client, workflow, 3, texts[workflow])
    (client.folder / "activities.py").write_text(texts[activities])
    await diagnostics(client, workflow, lambda codes: not {"RB106", "RB308"} & codes)


def find(found, code):
    return next(it for it in found if it.code == code)


def change(client, uri, version, text):
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(version=version, uri=uri),
            [types.TextDocumentContentChangeWholeDocument(text)],
        )
    )


async def action(client, uri, finding, wanted):
    """The edit of the action whose title has this in it."""
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(
            text_document=types.TextDocumentIdentifier(uri),
            range=finding.range,
            context=types.CodeActionContext(diagnostics=[finding]),
        )
    )
    chosen = next(it for it in actions if wanted in it.title)
    if chosen.edit is None:
        chosen = await client.code_action_resolve_async(chosen)
    return chosen.edit


def apply(edit, texts, client):
    """What the editor would have in its buffers then."""
    changes = dict(edit.changes or {})
    for change in edit.document_changes or []:
        if isinstance(change, types.CreateFile):
            assert not Path(unquote(urlparse(change.uri).path)).exists()
        else:
            changes[change.text_document.uri] = change.edits
    encoding = client.encoding
    for uri, edits in changes.items():
        lines = texts.get(uri, "").splitlines(keepends=True) + [""]
        at = lambda position: sum(map(len, lines[: position.line])) + characters(
            lines[position.line], position.character, encoding
        )
        text = texts.get(uri, "")
        for it in sorted(edits, key=lambda it: at(it.range.start), reverse=True):
            text = text[: at(it.range.start)] + it.new_text + text[at(it.range.end) :]
        texts[uri] = text


def characters(line, units, encoding):
    """How many characters of a line this many units of the encoding are."""
    name, size = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding]
    return len(line.encode(name)[: units * size].decode(name))
