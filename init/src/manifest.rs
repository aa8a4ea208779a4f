//! Boot manifests: which servers there are, which program each is, and what it is given.
//!
//! The format is described in `init/README.md`. A word that is not understood is an error: a typing
//! mistake must not become a server without its handle.

use abi::Rights;
use alloc::vec::Vec;

/// One line: a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server<'a> {
    /// Which service it is.
    pub service: &'a str,
    /// Its program, in `/boot/servers`.
    pub program: &'a str,
    /// Priority of its thread, 0 to 31.
    pub priority: u32,
    /// What it is given, in the order of the line.
    pub given: Vec<Given<'a>>,
}

/// Something that a server is given; most of them are told to it as `NAME=…` in its environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given<'a> {
    /// A handle to call `service`.
    Call {
        /// Name in the environment.
        name: &'a str,
        /// Whom.
        service: &'a str,
    },
    /// A handle to notify `service`, with the bit that belongs to `name`.
    Notify {
        /// Name in the environment.
        name: &'a str,
        /// Whom.
        service: &'a str,
    },
    /// Registers of a device, and its interrupt as `NAME_irq`.
    Device {
        /// Name in the environment.
        name: &'a str,
        /// What the device tree calls it.
        compatible: &'a str,
    },
    /// A handle for the system as a whole.
    System(Rights),
    /// Its handles may be passed on.
    Grant,
    /// So many slots for handles.
    Slots(u32),
    /// How the console is shared with the log.
    Console,
    /// The time at the start.
    Clock,
    /// A random number.
    Seed,
    /// The boot archive's length.
    Archive,
    /// Any other entry of the environment.
    Plain {
        /// Name in the environment.
        name: &'a str,
        /// Value.
        value: &'a str,
    },
}

/// Why a manifest is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistake<'a> {
    /// The line, counted from 1.
    pub line: usize,
    /// The word.
    pub word: &'a str,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Reads a manifest.
///
/// # Errors
/// The first mistake in it.
pub fn parse(text: &str) -> Result<Vec<Server<'_>>, Mistake<'_>> {
    let mut servers: Vec<Server<'_>> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line_text = line.split('#').next().unwrap_or_default();
        let mistake = |(word, reason)| Mistake {
            line: index + 1,
            word,
            reason,
        };
        let Some(server) = parse_line(line_text).map_err(mistake)? else {
            continue;
        };
        if servers.iter().any(|known| known.service == server.service) {
            return Err(mistake((server.service, "is there already")));
        }
        servers.push(server);
    }
    Ok(servers)
}

type WordMistake<'a> = (&'a str, &'static str);

fn parse_line(line: &str) -> Result<Option<Server<'_>>, WordMistake<'_>> {
    let mut words = line.split_whitespace();
    let Some(service) = words.next() else {
        return Ok(None);
    };
    let program = words.next().ok_or((service, "has no program"))?;
    let priority = words.next().ok_or((service, "has no priority"))?;
    let number = priority.parse().ok().filter(|&number| number < 32);
    let priority = number.ok_or((priority, "is no priority from 0 to 31"))?;
    let given = words.map(parse_given).collect::<Result<_, _>>()?;
    Ok(Some(Server {
        service,
        program,
        priority,
        given,
    }))
}

/// Services that there can be, in the order in which they may call each other.
pub const SERVICES: [&str; 5] = ["proc", "ipc", "vfs", "tty", "mem"];

fn parse_given(word: &str) -> Result<Given<'_>, WordMistake<'_>> {
    let Some((key, value)) = word.split_once('=') else {
        return parse_flag(word);
    };
    match key.split_once(':') {
        Some(("notify", name)) => Ok(Given::Notify {
            name,
            service: service(value)?,
        }),
        Some(("device", name)) => Ok(Given::Device {
            name,
            compatible: value,
        }),
        Some(_) => Err((word, "is given in no known way")),
        None if key == "system" => value
            .split(',')
            .map(right)
            .collect::<Result<_, _>>()
            .map(Given::System),
        None if key == "slots" => value
            .parse()
            .map(Given::Slots)
            .map_err(|_| (value, "is no number")),
        None if service(value).is_ok() => Ok(Given::Call {
            name: key,
            service: value,
        }),
        None => Ok(Given::Plain { name: key, value }),
    }
}

fn parse_flag(word: &str) -> Result<Given<'_>, WordMistake<'_>> {
    match word {
        "grant" => Ok(Given::Grant),
        "console" => Ok(Given::Console),
        "clock" => Ok(Given::Clock),
        "seed" => Ok(Given::Seed),
        "archive" => Ok(Given::Archive),
        _ => Err((word, "is nothing that can be given")),
    }
}

fn service(word: &str) -> Result<&str, WordMistake<'_>> {
    if SERVICES.contains(&word) {
        Ok(word)
    } else {
        Err((word, "is no service"))
    }
}

fn right(word: &str) -> Result<Rights, WordMistake<'_>> {
    match word {
        "interrupt" => Ok(Rights::INTERRUPT),
        "power" => Ok(Rights::POWER),
        "monitor" => Ok(Rights::MONITOR),
        _ => Err((word, "is no right of a system handle")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_service_program_priority_and_what_is_given() {
        let text = "# comment\n\ntty tty 28 console system=interrupt,power device:uart=arm,pl011 notify:ready=vfs # why\n";
        let servers = parse(text).unwrap();
        assert_eq!(servers.len(), 1);
        assert_eq!(
            (servers[0].service, servers[0].program, servers[0].priority),
            ("tty", "tty", 28)
        );
        assert_eq!(
            servers[0].given,
            [
                Given::Console,
                Given::System(Rights::INTERRUPT | Rights::POWER),
                Given::Device {
                    name: "uart",
                    compatible: "arm,pl011"
                },
                Given::Notify {
                    name: "ready",
                    service: "vfs"
                },
            ]
        );
    }

    #[test]
    fn calls_numbers_and_plain_entries_are_told_apart() {
        let servers = parse("proc proc 22 slots=9 files=vfs color=red grant").unwrap();
        assert_eq!(
            servers[0].given,
            [
                Given::Slots(9),
                Given::Call {
                    name: "files",
                    service: "vfs"
                },
                Given::Plain {
                    name: "color",
                    value: "red"
                },
                Given::Grant,
            ]
        );
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let mistake = |text| parse(text).map_err(|mistake| (mistake.line, mistake.word));
        assert_eq!(mistake("\nmem"), Err((2, "mem")));
        assert_eq!(mistake("mem mem 32"), Err((1, "32")));
        assert_eq!(mistake("mem mem 3 gramt"), Err((1, "gramt")));
        assert_eq!(mistake("mem mem 3 system=all"), Err((1, "all")));
        assert_eq!(mistake("mem mem 3 notify:x=nobody"), Err((1, "nobody")));
        assert_eq!(mistake("mem mem 3\nmem mem 3"), Err((2, "mem")));
    }

    #[test]
    fn the_manifests_of_the_project_are_understood_and_differ_in_the_memory_server_only() {
        let cow = parse(include_str!("../boot/cow.boot")).unwrap();
        let eager = parse(include_str!("../boot/eager-fork.boot")).unwrap();
        assert_eq!(cow.len(), SERVICES.len());
        assert_eq!(cow[0].service, "mem");
        assert_eq!(cow[1..], eager[1..]);
        assert_eq!((cow[0].program, eager[0].program), ("mem-cow", "mem-eager"));
    }
}
