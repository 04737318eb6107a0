"""pytest-lsp, with what several editors say they can do."""

import os

import pytest
import pytest_lsp
from conftest import HARMLESS, HELPERS, VIOLATION, WORKFLOW
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
    lsp_client.folder = templates
    lsp_client.feature("client/registerCapability")(lambda *_: None)
    result = await lsp_client.initialize_session(
        types.InitializeParams(capabilities=capabilities, root_uri=tmp_path.as_uri())
    )
    lsp_client.pulls = result.capabilities.diagnostic_provider is not None
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
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(version=2, uri=helpers),
            [types.TextDocumentContentChangeWholeDocument(HELPERS)],
        )
    )
    await diagnostics(client, workflow, lambda codes: "RB101" not in codes)
