//! Messages over the standard streams. A message that cannot be understood is answered or logged,
//! and the next one is read.

use std::io::{self, BufRead, Read};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use lsp_server::{Connection, ErrorCode, Message, RequestId, Response};
use serde_json::Value;

use crate::terminal::tell;

/// Larger messages are skipped: no document that is checked comes near.
const MAX_MESSAGE: u64 = 256 << 20;

/// The threads that read and write.
pub(super) struct Threads {
    writer: JoinHandle<io::Result<()>>,
}

/// A connection to whoever started the program.
pub(super) fn stdio() -> (Connection, Threads) {
    let (sender, to_write) = bounded::<Message>(0);
    let (to_session, receiver) = bounded::<Message>(0);
    let writer = std::thread::spawn(move || {
        let mut out = io::stdout().lock();
        to_write
            .into_iter()
            .try_for_each(|message| message.write(&mut out))
    });
    let replies = sender.clone();
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        read_all(&mut input, &to_session, &replies);
    });
    (Connection { sender, receiver }, Threads { writer })
}

impl Threads {
    /// Waits until everything is written. The reader may sit in a read that never ends.
    pub(super) fn finish(self) -> io::Result<()> {
        self.writer
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the writer failed")))
    }
}

/// Reads until the input ends, the client says `exit`, or nobody listens any more.
fn read_all(input: &mut dyn BufRead, session: &Sender<Message>, replies: &Sender<Message>) {
    loop {
        let body = match read_body(input) {
            Ok(Some(Body::Text(body))) => body,
            Ok(Some(Body::TooLarge(size))) => {
                tell(&format!("skipped a message of {size} bytes"));
                continue;
            }
            Ok(None) => return,
            Err(error) => {
                tell(&format!("cannot read from the client: {error}"));
                return;
            }
        };
        let message = match serde_json::from_slice::<Message>(&body) {
            Ok(message) => message,
            Err(error) => {
                refuse(&body, &error, replies);
                continue;
            }
        };
        let is_exit = matches!(&message, Message::Notification(it) if it.method == "exit");
        if session.send(message).is_err() || is_exit {
            return;
        }
    }
}

/// Answers what at least has an id, and logs the rest: an answer without an id helps nobody.
fn refuse(body: &[u8], error: &serde_json::Error, replies: &Sender<Message>) {
    let id = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|value| serde_json::from_value::<RequestId>(value.get("id")?.clone()).ok());
    match id {
        Some(id) => {
            let message = format!("this is no request: {error}");
            let reply = Response::new_err(id, ErrorCode::InvalidRequest as i32, message);
            let _ = replies.send(reply.into());
        }
        None => tell(&format!(
            "skipped a message that is no valid JSON-RPC: {error}"
        )),
    }
}

enum Body {
    Text(Vec<u8>),
    TooLarge(u64),
}

/// The next message, or `None` at the end. Lines that are no header are passed over, so that
/// reading finds its way back after garbage.
fn read_body(input: &mut dyn BufRead) -> io::Result<Option<Body>> {
    let mut size: Option<u64> = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        match (text.split_once(':'), size) {
            (Some((name, value)), _) if name.eq_ignore_ascii_case("content-length") => {
                size = value.trim().parse().ok();
            }
            (None, Some(_)) if text.is_empty() => break,
            _ => {}
        }
    }
    let size = size.unwrap_or_default();
    if size > MAX_MESSAGE {
        io::copy(&mut input.take(size), &mut io::sink())?;
        return Ok(Some(Body::TooLarge(size)));
    }
    let mut body = vec![0; size as usize];
    input.read_exact(&mut body)?;
    Ok(Some(Body::Text(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> (Vec<String>, Vec<Value>) {
        let (session, messages) = crossbeam_channel::unbounded();
        let (replies, refused) = crossbeam_channel::unbounded();
        read_all(&mut &input[..], &session, &replies);
        drop((session, replies));
        let methods = messages.into_iter().filter_map(|message| match message {
            Message::Request(it) => Some(it.method),
            Message::Notification(it) => Some(it.method),
            Message::Response(_) => None,
        });
        let refused = refused
            .into_iter()
            .map(|it| serde_json::to_value(it).expect("a reply"));
        (methods.collect(), refused.collect())
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn what_is_malformed_is_refused_and_the_rest_is_read() {
        let input = [
            framed("{"),
            "nonsense\r\n\r\n".to_owned(),
            framed(r#"{"jsonrpc":"2.0","id":7,"method":7}"#),
            "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n".to_owned(),
            framed(r#"{"jsonrpc":"2.0","method":"initialized"}"#),
            "content-length:38\n\n{\"jsonrpc\":\"2.0\",\"method\":\"shutdown\" }".to_owned(),
            framed(r#"{"jsonrpc":"2.0","method":"exit"}"#),
            framed(r#"{"jsonrpc":"2.0","method":"after"}"#),
        ];
        let (methods, refused) = read(input.concat().as_bytes());
        assert_eq!(methods, ["initialized", "shutdown", "exit"]);
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0]["id"], 7);
        assert_eq!(
            refused[0]["error"]["code"],
            ErrorCode::InvalidRequest as i32
        );
    }

    #[test]
    fn a_message_that_is_too_large_is_skipped() {
        let size = MAX_MESSAGE + 1;
        let large = format!("Content-Length: {size}\r\n\r\n");
        let after = framed(r#"{"jsonrpc":"2.0","method":"exit"}"#);
        let (session, messages) = crossbeam_channel::unbounded();
        let mut input = large
            .as_bytes()
            .chain(io::repeat(b' ').take(size))
            .chain(after.as_bytes());
        let mut input = io::BufReader::new(&mut input);
        read_all(&mut input, &session, &session.clone());
        drop(session);
        assert_eq!(messages.len(), 1);
    }
}
