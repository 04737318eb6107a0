//! `runbook-lint server`, over the standard streams. What it says is tested in `src/server/tests/`.

use serde_json::{Value, json};

use crate::project::{CLOCK, Project};

fn framed(body: &str) -> String {
    format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

fn messages(stdout: &str) -> Vec<Value> {
    let mut rest = stdout;
    let mut found = Vec::new();
    while let Some((header, body)) = rest.split_once("\r\n\r\n") {
        let size = header.rsplit(' ').next().expect("a size");
        let size: usize = size.parse().expect("a number");
        found.push(serde_json::from_str(&body[..size]).expect("JSON"));
        rest = &body[size..];
    }
    found
}

#[test]
fn a_session_survives_what_it_cannot_read_and_ends_as_it_should() {
    let project = Project::new(&[("workflow.py", CLOCK)]);
    let root = format!("file://{}", project.path().display());
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": { "rootUri": root, "capabilities": {} },
    });
    let open = json!({
        "jsonrpc": "2.0", "method": "textDocument/didOpen",
        "params": { "textDocument": {
            "uri": format!("{root}/workflow.py"), "languageId": "python", "version": 7, "text": CLOCK,
        } },
    });
    let shutdown = json!({ "jsonrpc": "2.0", "id": 2, "method": "shutdown" });
    let exit = json!({ "jsonrpc": "2.0", "method": "exit" });
    let input = [
        framed("{\"jsonrpc\": "),
        framed(&initialize.to_string()),
        "garbage\r\n".to_owned(),
        framed(&open.to_string()),
        framed("[]"),
        framed(&shutdown.to_string()),
        framed(&exit.to_string()),
    ];
    let run = project.run_in("", &["server", "--stdio"], input.concat().as_bytes());
    assert_eq!(run.status, 0, "{}", run.stderr);
    let said = messages(&run.stdout);
    let answered: Vec<&Value> = said.iter().filter_map(|it| it.get("id")).collect();
    assert_eq!(answered, [&json!(1), &json!(2)]);
    assert_eq!(said[0]["result"]["serverInfo"]["name"], "runbook-lint");
    assert_eq!(
        run.stderr.matches("no valid JSON-RPC").count(),
        2,
        "{}",
        run.stderr
    );
}

#[test]
fn a_client_that_is_gone_ends_the_session() {
    let project = Project::new(&[]);
    let run = project.run(&["server"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{}", run.stderr);
}
