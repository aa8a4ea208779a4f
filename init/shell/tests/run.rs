//! Whole scripts over a system in memory.

mod fake;

use fake::{output, run, run_in, shell};
use shell::system::{Change, Disposition};

/// Script and what it writes.
const SCRIPTS: &[(&str, &str)] = &[
    ("echo hello   world", "hello world\n"),
    ("echo -n a; echo b", "ab\n"),
    ("echo 'a  b' \"c  d\" e\\ f", "a  b c  d e f\n"),
    ("x=1; y=$x$x; echo $y", "11\n"),
    (
        "true && echo a || echo b; false && echo c || echo d",
        "a\nd\n",
    ),
    ("! true; echo $?; ! false; echo $?", "1\n0\n"),
    (
        "if false; then echo a; elif true; then echo b; else echo c; fi",
        "b\n",
    ),
    ("if false; then echo a; fi; echo $?", "0\n"),
    ("for i in a b 'c d'; do echo $i; done", "a\nb\nc d\n"),
    ("for i in; do echo $i; done; echo end", "end\n"),
    ("set -- x y; for i do echo $i; done", "x\ny\n"),
    (
        "i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done",
        "0\n1\n2\n",
    ),
    (
        "i=0; until test $i = 2; do i=$((i+1)); done; echo $i",
        "2\n",
    ),
    (
        "for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done",
        "1\n3\n",
    ),
    (
        "for i in 1 2 3; do [ $i = 2 ] && break; echo $i; done",
        "1\n",
    ),
    (
        "for i in 1 2; do for j in a b; do break 2; done; echo no; done; echo end",
        "end\n",
    ),
    (
        "for i in 1 2; do for j in a b; do echo $i$j; continue 2; done; done",
        "1a\n2a\n",
    ),
    (
        "case abc in a) echo 1;; a*|b) echo 2;; *) echo 3;; esac",
        "2\n",
    ),
    ("case x in (y) echo 1 ;; (x) echo 2\nesac", "2\n"),
    (
        "case 'a*' in a\\*) echo star;; esac; case ab in 'a*') echo no;; esac",
        "star\n",
    ),
    (
        "f() { echo \"$1-$#\"; return 3; }; f a b; echo $?",
        "a-2\n3\n",
    ),
    ("f() { local x=2; echo $x; }; x=1; f; echo $x", "2\n1\n"),
    (
        "f() { if [ $1 -gt 0 ]; then echo $1; f $(($1-1)); fi; }; f 3",
        "3\n2\n1\n",
    ),
    ("x=1; (x=2; echo $x); echo $x", "2\n1\n"),
    ("x=1; { x=2; echo $x; }; echo $x", "2\n2\n"),
    ("echo $(echo a; echo b)", "a b\n"),
    ("echo \"$(echo a; echo b)\"", "a\nb\n"),
    ("echo `echo a \\`echo b\\``", "a b\n"),
    ("echo $(echo $(echo deep))", "deep\n"),
    ("echo $( (echo sub) )", "sub\n"),
    ("x=$(status 3); echo $?", "3\n"),
    ("echo a | upper", "A\n"),
    ("echo a | cat | cat | cat | cat | cat | cat | upper", "A\n"),
    ("echo a | { read x; echo got $x; }", "got a\n"),
    ("false | true; echo $?; true | status 4; echo $?", "0\n4\n"),
    ("echo a > /f; echo b >> /f; cat < /f", "a\nb\n"),
    ("echo a > /f; cat /f /f; echo x 1>&2", "a\n"),
    ("{ echo a; echo b >&2; } > /f 2>&1; cat /f", "a\nb\n"),
    ("cat <<END\na $((1+1)) b\nEND\necho after", "a 2 b\nafter\n"),
    ("cat <<'END'\n$x `y`\nEND", "$x `y`\n"),
    ("cat <<-END\n\ta\n\t\tb\n\tEND", "a\nb\n"),
    ("cat <<A; cat <<B\na\nA\nb\nB", "a\nb\n"),
    ("echo $(cat <<E\nin\nE\n)", "in\n"),
    (
        "x=5 env | { while read line; do case $line in x=*) echo $line;; esac; done; }",
        "x=5\n",
    ),
    ("x=5 true; echo [$x]", "[]\n"),
    (
        "export y=7; env | { while read line; do case $line in y=*) echo $line;; esac; done; }",
        "y=7\n",
    ),
    (
        "unset x; echo ${x-unset} ${x:-also}; x=; echo ${x-set} ${x:-empty}",
        "unset also\nempty\n",
    ),
    ("eval 'x=3; echo $x'", "3\n"),
    (
        "set -- a b c; shift; echo $1 $#; shift 2; echo $#",
        "b 2\n0\n",
    ),
    (
        "set -- 'a b' c; args \"$@\"; args \"$*\"; args $@",
        "<a b><c><a b c><a><b><c>",
    ),
    ("args \"$@\"; args \"x$@y\"; args ''", "<xy><>"),
    ("echo 'a:b' | { IFS=: read x y; echo $x,$y; }", "a,b\n"),
    ("printf=1; echo $printf # comment", "1\n"),
    ("echo a#b", "a#b\n"),
    ("echo one \\\ntwo", "one two\n"),
    ("trap 'echo bye' EXIT; echo hi", "hi\nbye\n"),
    ("(trap 'echo sub' EXIT; true); echo main", "sub\nmain\n"),
    (
        "trap 'echo usr' USR1; kill -USR1 $$; echo after",
        "usr\nafter\n",
    ),
    ("exec > /f; echo a; cat /f >&2", ""),
    (
        "echo lost 2> /e >&9; cat /e",
        "sh: 9: Bad file descriptor\n",
    ),
    (
        "type cd cat; command -v cat",
        "cd is a shell builtin\ncat is /bin/cat\n/bin/cat\n",
    ),
    (
        "f() { echo fun; }; type f; command echo x",
        "f is a function\nx\n",
    ),
    (
        "set -e; false || true; if false; then :; fi; echo on; false; echo off",
        "on\n",
    ),
    ("alias hi='echo hello'; hi you", "hello you\n"),
    ("cd /bin; pwd; cd -; cd; pwd", "/bin\n/\n/home\n"),
    ("umask", "0022\n"),
    (
        "x=a.tar.gz; echo ${x%.*} ${x%%.*} ${x#*.} ${x##*.} ${#x}",
        "a.tar a tar.gz gz 8\n",
    ),
    ("sleep=1; status 2 & wait $!; echo $?", "2\n"),
    ("status 2 & status 3 & wait; echo $?", "0\n"),
    ("while getopts ab: o -a; do echo $o; done", ""),
    (
        "set -- -a -b val rest; while getopts ab: o; do echo $o $OPTARG; done; echo $OPTIND",
        "a\nb val\n4\n",
    ),
    ("echo {a,b} }", "{a,b} }\n"),
    ("if true; then echo a; fi | upper", "A\n"),
    (
        "while read l; do echo \"[$l]\"; done <<E\n1\n2\nE",
        "[1]\n[2]\n",
    ),
    ("a=1 b=2; echo $a$b", "12\n"),
    (
        "test -d /bin && test ! -f /bin && test -x /bin/cat && echo ok",
        "ok\n",
    ),
    ("[ 1 -eq 1 -a 2 -gt 3 -o a = a ] && echo yes", "yes\n"),
    ("readonly r=1; echo $r", "1\n"),
];

#[test]
fn scripts_write_what_posix_says() {
    for (script, expected) in SCRIPTS {
        let (out, err, _) = run(script);
        assert_eq!(out, *expected, "script: {script}\nstderr: {err}");
    }
}

/// Script, exit status, and part of what it writes to standard error.
const FAILURES: &[(&str, i32, &str)] = &[
    ("nosuch", 127, "sh: nosuch: not found\n"),
    ("/no/such", 127, "sh: /no/such: No such file or directory\n"),
    (
        "echo > /plain; /plain",
        126,
        "sh: /plain: Permission denied\n",
    ),
    (
        "cat < /missing",
        1,
        "sh: /missing: No such file or directory\n",
    ),
    ("echo a > /bin", 1, "sh: /bin: Is a directory\n"),
    ("exit 7", 7, ""),
    ("exit 256", 0, ""),
    ("die 9", 137, "Killed\n"),
    ("die 11", 139, "Segmentation fault\n"),
    ("if", 2, "syntax error: unexpected end of file"),
    ("echo a; fi", 2, "syntax error: \"fi\" unexpected"),
    ("echo (", 2, "syntax error"),
    ("a | | b", 2, "\"|\" unexpected"),
    ("echo $((1/0)); echo no", 2, "division by zero"),
    (": ${x?is needed}; echo no", 2, "x: is needed"),
    ("set -u; echo $nope; echo no", 2, "nope: parameter not set"),
    ("readonly r=1; r=2; echo no", 2, "r: is read only"),
    (
        "cd /nowhere",
        1,
        "sh: cd: /nowhere: No such file or directory\n",
    ),
    ("f() { f; }; f", 2, "nested too deeply"),
    ("shift 3", 1, "can't shift"),
    ("trap x NOSUCH", 1, "bad trap"),
    ("[ a", 2, "missing ]"),
    ("test 1 -eq x", 2, "integer expected"),
    ("echo a >&9", 1, "9: Bad file descriptor"),
    ("fg", 1, "no such job"),
    ("cat <<E\nabc", 2, "end of file"),
    ("exec nosuch; echo no", 127, "not found"),
    (". /nosuch; echo no", 2, "No such file"),
];

#[test]
fn failures_have_their_status_and_name_the_reason() {
    for (script, status, message) in FAILURES {
        let (out, err, found) = run(script);
        assert_eq!(found, *status, "script: {script}\nstderr: {err}");
        assert!(err.contains(message), "script: {script}\nstderr: {err}");
        assert!(!out.contains("no\n"), "script: {script} went on");
    }
}

#[test]
fn what_precedes_a_syntax_error_has_happened() {
    assert_eq!(output("echo first\nfi"), "first\n");
}

#[test]
fn a_fork_that_fails_is_reported_and_the_shell_goes_on() {
    let mut shell = shell(&[]);
    shell.system.forks_left = Some(1);
    let (out, err, status) = run_in(&mut shell, "echo a | cat; echo $?; echo on");
    assert_eq!((out.as_str(), status), ("254\non\n", 0));
    assert!(
        err.contains("fork: Resource temporarily unavailable"),
        "{err}"
    );
}

#[test]
fn redirections_leave_no_descriptor_open() {
    let (out, _, _) = run(
        "for i in 1 2 3 4 5; do echo $i > /f; done; cat < /f 3< /f; echo x | cat > /g; exec 5> /h; echo ok",
    );
    assert_eq!(out, "5\nok\n");
}

fn interactive() -> shell::Shell<fake::Fake> {
    let mut shell = shell(&[]);
    shell.state.options.interactive = true;
    shell.state.options.job_control = true;
    shell
}

#[test]
fn a_pipeline_is_one_process_group_with_the_terminal() {
    let mut shell = interactive();
    assert_eq!(shell.run_text(b"cat < /dev/x | cat"), Ok(0));
    assert!(shell.system.seen.groups.contains(&(100, 100)));
    assert!(shell.system.seen.groups.contains(&(101, 100)));
    assert_eq!(
        shell.system.seen.foreground.last(),
        Some(&1),
        "the shell takes the terminal back"
    );
}

#[test]
fn children_of_an_interactive_shell_get_default_signals() {
    let mut shell = interactive();
    assert_eq!(shell.run_text(b"status 0"), Ok(0));
    for signal in [2, 3, 20] {
        assert!(
            shell
                .system
                .seen
                .signals
                .contains(&(signal, Disposition::Default))
        );
    }
}

#[test]
fn exec_gives_default_signals_and_takes_them_back_if_it_fails() {
    let mut shell = interactive();
    assert_eq!(shell.run_text(b"trap '' TERM; exec nothing"), Ok(127));
    let of = |signal| -> Vec<_> {
        let signals = shell.system.seen.signals.iter();
        let mine = signals.filter(|(number, _)| *number == signal);
        mine.map(|(_, disposition)| *disposition).collect()
    };
    assert_eq!(of(2), [Disposition::Default, Disposition::Catch]);
    assert_eq!(of(20), [Disposition::Default, Disposition::Ignore]);
    assert_eq!(of(15), [Disposition::Ignore], "the trap's, as it was");
}

#[test]
fn a_stopped_job_is_listed_and_goes_on_with_fg() {
    let mut shell = interactive();
    shell.system.changes.insert(100, vec![Change::Stopped(20)]);
    assert_eq!(shell.run_text(b"status 5"), Ok(148));
    assert!(
        shell
            .system
            .text("(err)")
            .contains("[1]+ Stopped  status 5\n")
    );
    assert_eq!(shell.run_text(b"jobs"), Ok(0));
    assert_eq!(shell.system.text("(out)"), "[1]+ Stopped  status 5\n");
    let _ = shell.run_text(b"bg");
    assert_eq!(shell.system.seen.kills, [(-100, 18)]);
    assert!(shell.system.text("(out)").ends_with("[1] status 5 &\n"));
}

#[test]
fn a_background_job_is_announced_and_its_end_told() {
    let mut shell = interactive();
    assert_eq!(shell.run_text(b"status 0 &"), Ok(0));
    assert_eq!(shell.system.text("(err)"), "[1] 100\n");
    shell.notify();
    assert!(
        shell
            .system
            .text("(err)")
            .ends_with("[1]+ Done  status 0\n")
    );
    assert_eq!(shell.state.jobs.iter().count(), 0);
}

#[test]
fn control_c_ends_the_line_but_not_an_interactive_shell() {
    let mut shell = interactive();
    shell.system.changes.insert(100, vec![Change::Killed(2)]);
    assert_eq!(
        shell.run_text(b"while true; do status 0; done"),
        Err(shell::run::Unwind::Line(130))
    );
    assert_eq!(shell.run_text(b"echo on"), Ok(0));
}

#[test]
fn kill_reaches_jobs_and_names_signals() {
    let mut shell = interactive();
    shell.system.changes.insert(100, vec![]);
    let _ = shell.run_text(b"status 0 & kill -INT %1; kill -9 77; kill -l 9");
    assert_eq!(shell.system.seen.kills, [(-100, 2), (77, 9)]);
    assert_eq!(shell.system.text("(out)"), "KILL\n");
}
