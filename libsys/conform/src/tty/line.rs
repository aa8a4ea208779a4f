//! `line`: editing, echo, keys that are signals, the foreground, settings.

use super::*;
use crate::run::promises;
use crate::{ROOT, Where, equal};

const HOST: Where = Where::Host("programs have no handle of this service, and nobody types");

promises! { W, "line":
    a_line_is_read_when_it_is_complete in HOST,
    a_line_longer_than_the_room_is_read_in_pieces in HOST,
    keys_erase_characters_and_lines in HOST,
    the_end_of_file_is_read_once in HOST,
    what_is_typed_is_shown in HOST,
    output_is_shown_with_line_ends in HOST,
    an_absent_page_loses_no_input in HOST,
    a_key_sends_a_signal_to_the_foreground in HOST,
    the_background_may_not_read in HOST,
    settings_are_kept_and_obeyed in HOST,
    readiness_is_told in HOST,
    input_can_be_dropped in HOST,
    a_session_has_one_terminal_and_it_one_session in HOST,
    a_changed_window_is_a_signal in HOST,
    other_lines_do_not_exist in HOST,
}

fn nothing_yet(w: &mut W, who: Caller) -> Check {
    refuse(w, who, read_request(SHELL), Lease::room(9), Errno::EAGAIN)
}

fn a_line_is_read_when_it_is_complete(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    w.typed(b"hel");
    nothing_yet(w, who)?;
    w.typed(b"lo\nnext\n");
    equal("one line", read(w, who, 99)?, b"hello\n".to_vec())?;
    equal("the next", read(w, who, 99)?, b"next\n".to_vec())?;
    nothing_yet(w, who)
}

fn a_line_longer_than_the_room_is_read_in_pieces(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    w.typed(b"abcdef\n");
    equal("a piece", read(w, who, 4)?, b"abcd".to_vec())?;
    equal("the rest", read(w, who, 4)?, b"ef\n".to_vec())
}

fn keys_erase_characters_and_lines(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    w.typed(b"ax\x7fb\n");
    equal("erased", read(w, who, 99)?, b"ab\n".to_vec())?;
    w.typed(b"wrong\x15right\n");
    equal("line dropped", read(w, who, 99)?, b"right\n".to_vec())?;
    w.typed(b"one two\x17three\n");
    equal("word dropped", read(w, who, 99)?, b"one three\n".to_vec())?;
    w.typed(b"\x16\x7f\n");
    equal("quoted", read(w, who, 99)?, b"\x7f\n".to_vec())
}

fn the_end_of_file_is_read_once(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    w.typed(b"half\x04");
    equal("what is there", read(w, who, 99)?, b"half".to_vec())?;
    w.typed(b"\x04");
    equal("the end", read(w, who, 99)?, b"".to_vec())?;
    nothing_yet(w, who)
}

fn what_is_typed_is_shown(w: &mut W) -> Check {
    w.typed(b"ab\n");
    equal("echo", w.shown(), b"ab\r\n".to_vec())
}

fn output_is_shown_with_line_ends(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let write = Request::Write {
        line: 0,
        pgid: SHELL,
        sid: SHELL,
    };
    let written = get(w, who, write, Lease::of(b"one\ntwo"))?;
    equal("taken", written, Reply::Count(7))?;
    equal("shown", w.shown(), b"one\r\ntwo".to_vec())?;
    equal(
        "nothing unsent",
        get(w, who, Request::Unsent { line: 0 }, Lease::none())?,
        Reply::Count(0),
    )
}

fn an_absent_page_loses_no_input(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    w.typed(b"kept\n");
    let absent = Lease::room(9).absent_from(0);
    let answer = call(w, who, read_request(SHELL), absent)?;
    equal("refused", answer.result.is_err(), true)?;
    equal("later", read(w, who, 9)?, b"kept\n".to_vec())
}

fn a_key_sends_a_signal_to_the_foreground(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    for (key, signal) in [(3, 2), (0x1c, 3), (0x1a, 20)] {
        w.typed(b"half a line");
        w.typed(&[key]);
        let news = get(w, who, Request::NextSignal, Lease::none())?;
        equal(
            "signal",
            news,
            Reply::Signal {
                pgid: SHELL,
                signal,
            },
        )?;
        nothing_yet(w, who)?;
    }
    refuse(w, who, Request::NextSignal, Lease::none(), Errno::EAGAIN)
}

fn the_background_may_not_read(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    w.typed(b"line\n");
    refuse(w, who, read_request(77), Lease::room(9), Errno::EINTR)?;
    let news = get(w, who, Request::NextSignal, Lease::none())?;
    equal(
        "SIGTTIN",
        news,
        Reply::Signal {
            pgid: 77,
            signal: 21,
        },
    )?;
    get(
        w,
        who,
        Request::SetForeground {
            line: 0,
            sid: SHELL,
            pgid: 77,
        },
        Lease::none(),
    )?;
    let answer = call(w, who, read_request(77), Lease::room(9))?;
    equal("in the foreground", answer.result, Ok(Reply::Count(5)))
}

fn settings_are_kept_and_obeyed(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let get_settings = Request::GetTermios { line: 0 };
    let answer = call(w, who, get_settings, Lease::room(36))?;
    let mut settings = answer.leases[0].clone();
    // c_lflag without ICANON and ECHO; VMIN 1, VTIME 0.
    settings[12] &= !0o12;
    (settings[17 + 6], settings[17 + 5]) = (1, 0);
    get(
        w,
        who,
        Request::SetTermios { line: 0, when: 0 },
        Lease::of(&settings),
    )?;
    let answer = call(w, who, get_settings, Lease::room(36))?;
    equal("kept", &answer.leases[0], &settings)?;
    w.shown();
    w.typed(b"x");
    equal("at once", read(w, who, 9)?, b"x".to_vec())?;
    equal("no echo", w.shown(), b"".to_vec())
}

fn readiness_is_told(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let poll = |w: &mut W| match get(w, who, Request::Poll { line: 0 }, Lease::none())? {
        Reply::Ready {
            readable, bytes, ..
        } => Ok((readable, bytes)),
        other => Err(format!("{other:?}")),
    };
    equal("nothing", poll(w)?, (false, 0))?;
    w.typed(b"half");
    equal("half a line", poll(w)?.0, false)?;
    w.typed(b"\n");
    equal("a line", poll(w)?, (true, 5))
}

fn input_can_be_dropped(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    w.typed(b"gone\n");
    get(w, who, Request::Flush { line: 0, which: 1 }, Lease::none())?;
    nothing_yet(w, who)?;
    refuse(
        w,
        who,
        Request::Flush { line: 0, which: 0 },
        Lease::none(),
        Errno::EINVAL,
    )
}

fn a_session_has_one_terminal_and_it_one_session(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let session = Request::Session { line: 0 };
    equal(
        "session",
        get(w, who, session, Lease::none())?,
        Reply::Count(u64::from(SHELL)),
    )?;
    refuse(
        w,
        who,
        Request::Attach { line: 0, sid: 99 },
        Lease::none(),
        Errno::EPERM,
    )?;
    refuse(
        w,
        who,
        Request::GetForeground { line: 0, sid: 99 },
        Lease::none(),
        Errno::ENOTTY,
    )?;
    get(
        w,
        who,
        Request::Detach {
            line: 0,
            sid: SHELL,
        },
        Lease::none(),
    )?;
    equal(
        "none",
        get(w, who, session, Lease::none())?,
        Reply::Count(0),
    )?;
    for signal in [1, 18] {
        let news = get(w, who, Request::NextSignal, Lease::none())?;
        equal(
            "told",
            news,
            Reply::Signal {
                pgid: SHELL,
                signal,
            },
        )?;
    }
    get(w, who, Request::Attach { line: 0, sid: 99 }, Lease::none()).map(drop)
}

fn a_changed_window_is_a_signal(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let set = |rows| Request::SetWindowSize {
        line: 0,
        rows,
        columns: 100,
        x_pixels: 0,
        y_pixels: 0,
    };
    get(w, who, set(50), Lease::none())?;
    let size = get(w, who, Request::GetWindowSize { line: 0 }, Lease::none())?;
    let expected = Reply::WindowSize {
        rows: 50,
        columns: 100,
        x_pixels: 0,
        y_pixels: 0,
    };
    equal("size", size, expected)?;
    let news = get(w, who, Request::NextSignal, Lease::none())?;
    equal(
        "SIGWINCH",
        news,
        Reply::Signal {
            pgid: SHELL,
            signal: 28,
        },
    )?;
    get(w, who, set(50), Lease::none())?;
    refuse(w, who, Request::NextSignal, Lease::none(), Errno::EAGAIN)
}

fn other_lines_do_not_exist(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let read = Request::Read {
        line: 1,
        pgid: SHELL,
        sid: SHELL,
        stoppable: true,
    };
    refuse(w, who, read, Lease::room(9), Errno::ENXIO)?;
    refuse(
        w,
        who,
        Request::Poll { line: 9 },
        Lease::none(),
        Errno::ENXIO,
    )
}
