//! What the running servers claim to do: `claims=…` in the boot manifest.

use libsys::{Errno, prelude::*, stdio};

/// The profiles that the server of `service` claims; `None` if its line says nothing of it.
pub fn of(service: &str) -> Result<Option<Vec<String>>, String> {
    let name = file("/etc/tessera/boot")?;
    let manifest = file(&format!("/boot/{}.boot", name.trim()))?;
    let lines = manifest.lines().map(|line| line.split('#').next());
    let mut lines = lines.map(|line| line.unwrap_or_default().split_whitespace());
    let words = lines.find_map(|mut words| (words.next() == Some(service)).then_some(words));
    let claims = words.and_then(|mut words| words.find_map(|word| word.strip_prefix("claims=")));
    Ok(claims.map(|claims| claims.split(',').map(String::from).collect()))
}

fn file(path: &str) -> Result<String, String> {
    let problem = |errno: Errno| format!("{path}: {errno}");
    let bytes = stdio::read_file(path).map_err(problem)?;
    String::from_utf8(bytes).map_err(|_| format!("{path}: not a text"))
}
