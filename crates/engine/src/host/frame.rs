//! The frames of a channel: the one encoder and decoder of requests and replies.
//!
//! `remote.sh` is the other end. A frame is one line of numbers followed by as many bytes as they say.

use super::Output;

/// A header line is four numbers; a longer one is something else's output.
const LONGEST_HEADER: usize = 96;

/// One task for the remote loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    pub id: u64,
    pub script: &'a [u8],
    pub stdin: &'a [u8],
    /// Whether its output is to be seen as it comes.
    pub live: bool,
}

impl Request<'_> {
    /// Writes `id input-length live script\n` and the input; the script is escaped for `printf %b`.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} {} ", self.id, self.stdin.len(), u8::from(self.live)).into_bytes();
        for byte in self.script {
            match byte {
                b'\n' => bytes.extend(b"\\n"),
                b'\\' => bytes.extend(b"\\\\"),
                b' '..=b'~' => bytes.push(*byte),
                other => bytes.extend(format!("\\0{other:03o}").bytes()),
            }
        }
        bytes.push(b'\n');
        bytes.extend_from_slice(self.stdin);
        bytes
    }
}

/// What came of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub id: u64,
    pub output: Output,
}

/// What cannot be a reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a reply: {0:?}")]
pub struct NotAReply(String);

/// Takes replies out of bytes, however these are cut.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
}

impl Decoder {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the next reply, once all of it has come.
    pub fn reply(&mut self) -> Result<Option<Reply>, NotAReply> {
        let searched = &self.bytes[..self.bytes.len().min(LONGEST_HEADER)];
        let Some(end) = searched.iter().position(|byte| *byte == b'\n') else {
            return if searched.len() == LONGEST_HEADER { Err(refuse(searched)) } else { Ok(None) };
        };
        let (id, code, out, err) = header(&searched[..end]).ok_or_else(|| refuse(&searched[..end]))?;
        let (begin, middle) = (end + 1, end.saturating_add(1).saturating_add(out));
        let end = middle.saturating_add(err);
        if self.bytes.len() < end {
            return Ok(None);
        }
        let stdout = self.bytes[begin..middle].to_vec();
        let stderr = self.bytes[middle..end].to_vec();
        self.bytes.drain(..end);
        Ok(Some(Reply { id, output: Output { code, stdout, stderr } }))
    }

    /// Discards all up to and including a line that ends with the nonce; says whether it came.
    pub fn discard_until(&mut self, nonce: &str) -> bool {
        let needle = format!("{nonce}\n");
        match self.bytes.windows(needle.len()).position(|window| window == needle.as_bytes()) {
            Some(at) => {
                self.bytes.drain(..at + needle.len());
                true
            }
            None => false,
        }
    }

    /// What has come and is no reply yet, for messages.
    pub fn rest(&self) -> String {
        String::from_utf8_lossy(&self.bytes).trim().to_owned()
    }
}

fn header(line: &[u8]) -> Option<(u64, i32, usize, usize)> {
    let mut numbers = std::str::from_utf8(line).ok()?.split(' ');
    let (id, code) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    let (out, err) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    numbers.next().is_none().then_some((id, code, out, err))
}

fn refuse(bytes: &[u8]) -> NotAReply {
    NotAReply(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(reply: &Reply) -> Vec<u8> {
        let Output { code, stdout, stderr } = &reply.output;
        let header = format!("{} {code} {} {}\n", reply.id, stdout.len(), stderr.len());
        [header.as_bytes(), stdout, stderr].concat()
    }

    proptest! {
        #[test]
        fn replies_survive_any_cutting(
            sent in prop::collection::vec((any::<u64>(), 0..256i32, any::<Vec<u8>>(), any::<Vec<u8>>()), 1..5),
            cut in 1..40usize,
        ) {
            let sent: Vec<Reply> = sent
                .into_iter()
                .map(|(id, code, stdout, stderr)| Reply { id, output: Output { code, stdout, stderr } })
                .collect();
            let bytes: Vec<u8> = sent.iter().flat_map(encode).collect();
            let mut decoder = Decoder::default();
            let mut came = Vec::new();
            for piece in bytes.chunks(cut) {
                decoder.push(piece);
                while let Some(reply) = decoder.reply().unwrap() {
                    came.push(reply);
                }
            }
            prop_assert_eq!(came, sent);
        }

        #[test]
        fn garbage_never_panics_nor_is_kept_for_ever(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut decoder = Decoder::default();
            decoder.push(&bytes);
            let header = bytes.iter().take(LONGEST_HEADER).position(|byte| *byte == b'\n');
            let answer = decoder.reply();
            if header.is_none() && bytes.len() >= LONGEST_HEADER {
                prop_assert!(answer.is_err());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn a_shell_reads_what_was_encoded(text in prop::collection::vec(1..=255u8, 1..300)) {
            // A script that is a comment holds any bytes but line ends; what the shell read is compared.
            let script = [b"#".as_slice(), &text, b"\n"].concat();
            let request = Request { id: 7, script: &script, stdin: b"", live: false }.encode();
            for shell in ["dash", "bash", "busybox"] {
                let read = "read -r id input live script; printf %b \"$script\"";
                let mut command = std::process::Command::new(shell);
                let command = if shell == "busybox" { command.arg("sh") } else { &mut command };
                let command = command.args(["-c", read]).env("LC_ALL", "C");
                let mut child = command
                    .stdin(std::process::Stdio::piped())
                    .stdout(std::process::Stdio::piped())
                    .spawn()
                    .unwrap();
                std::io::Write::write_all(&mut child.stdin.take().unwrap(), &request).unwrap();
                prop_assert_eq!(&child.wait_with_output().unwrap().stdout, &script, "{}", shell);
            }
        }
    }

    #[test]
    fn what_a_login_shell_prints_is_discarded() {
        let mut decoder = Decoder::default();
        decoder.push(b"Welcome\nto fish");
        assert!(!decoder.discard_until("n0nce"));
        decoder.push(b"n0nce\n1 0 0 0\n");
        assert!(decoder.discard_until("n0nce"));
        assert_eq!(decoder.reply().unwrap().unwrap().id, 1);
    }
}
