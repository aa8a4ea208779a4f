//! What a script means: the tree that the parser builds and the interpreter walks.
//!
//! Text is bytes, because file names and variables are. Nothing here has been expanded yet.

use alloc::{boxed::Box, rc::Rc, vec::Vec};

/// Text as the shell sees it.
pub type Bytes = Vec<u8>;

/// Commands to be run one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script(pub Vec<Item>);

/// One entry of a list: what stands before a `;`, `&` or line end.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What runs.
    pub list: AndOr,
    /// Whether it runs alongside (`&`) or is waited for.
    pub mode: Mode,
    /// The source, for job messages.
    pub text: Bytes,
}

/// Whether a list entry is waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// `;`: the shell waits.
    Foreground,
    /// `&`: the shell goes on at once.
    Background,
}

/// Pipelines joined by `&&` and `||`, which bind from left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct AndOr {
    /// Runs always.
    pub first: Pipeline,
    /// Run depending on the status so far.
    pub rest: Vec<(Connector, Pipeline)>,
}

/// When the next pipeline of an [`AndOr`] runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Connector {
    /// `&&`: after success.
    And,
    /// `||`: after failure.
    Or,
}

/// Commands joined by `|`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// Whether `!` turns the status round.
    pub negated: bool,
    /// At least one command.
    pub commands: Vec<Command>,
    /// The source, for job messages.
    pub text: Bytes,
}

/// One command.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Assignments, words and redirections.
    Simple(Simple),
    /// A control structure, with redirections around all of it.
    Compound(Compound, Vec<Redirect>),
    /// `name() body`.
    Function(Bytes, Rc<Command>),
}

/// A simple command; either list of words may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Simple {
    /// `NAME=word` before the command's name.
    pub assignments: Vec<(Bytes, Word)>,
    /// Name and arguments.
    pub words: Vec<Word>,
    /// In the order written.
    pub redirects: Vec<Redirect>,
}

/// A control structure.
#[derive(Clone, Debug, PartialEq)]
pub enum Compound {
    /// `{ …; }`: in this shell.
    Group(Script),
    /// `( … )`: in a child.
    Subshell(Script),
    /// `if`/`elif` conditions with their branches, and the `else` branch.
    If(Vec<(Script, Script)>, Option<Script>),
    /// `while` or `until` with condition and body.
    Loop(LoopKind, Script, Script),
    /// `for name in words` (without `in`: the positional parameters).
    For(Bytes, Option<Vec<Word>>, Script),
    /// `case subject in` patterns with their branch.
    Case(Word, Vec<(Vec<Word>, Script)>),
}

/// What ends a loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoopKind {
    /// Runs as long as the condition succeeds.
    While,
    /// Runs as long as the condition fails.
    Until,
}

/// One redirection.
#[derive(Clone, Debug, PartialEq)]
pub struct Redirect {
    /// The descriptor that changes.
    pub fd: u32,
    /// What it becomes.
    pub target: Target,
}

/// What a redirected descriptor becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// `< word`.
    Read(Word),
    /// `> word`, and `>| word`.
    Write(Word),
    /// `>> word`.
    Append(Word),
    /// `<> word`.
    ReadWrite(Word),
    /// `>& word` and `<& word`: a descriptor number, or `-` to close.
    Duplicate(Word),
    /// `<< END`: the text itself.
    Here(Word),
}

/// A word: parts that stand next to each other without a blank between.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Word(pub Vec<Part>);

/// A piece of a word.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Bare text, in which `* ? [` are patterns.
    Literal(Bytes),
    /// Text from quotes or after a backslash: stands for itself.
    Quoted(Bytes),
    /// `"…"`: expanded, but neither split nor matched against files.
    Double(Vec<Part>),
    /// `$name` or `${name…}`.
    Parameter(Box<Parameter>),
    /// `$(…)` or backquotes.
    Command(Script),
    /// `$((…))`.
    Arithmetic(Word),
    /// `~` or `~user` at the start of a word.
    Tilde(Bytes),
}

/// A parameter expansion.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Variable, digits, or one of `? $ ! # @ * -`.
    pub name: Bytes,
    /// What is done with the value.
    pub operation: Operation,
}

/// What a parameter expansion does with the value.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// `${x}`.
    Plain,
    /// `${#x}`.
    Length,
    /// `${x-w}`.
    Default(Absent, Word),
    /// `${x=w}`.
    Assign(Absent, Word),
    /// `${x+w}`.
    Alternative(Absent, Word),
    /// `${x?w}`.
    Error(Absent, Word),
    /// `${x#w}` and its three siblings.
    Trim(End, Extent, Word),
}

/// What counts as absent in `${x-w}` and its kin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Absent {
    /// Only a variable that is not set.
    Unset,
    /// With a colon: an empty one too.
    UnsetOrEmpty,
}

/// Where `${x#w}` and `${x%w}` cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// `#`: at the front.
    Front,
    /// `%`: at the back.
    Back,
}

/// How much a trim takes away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extent {
    /// The shortest match.
    Shortest,
    /// The longest match.
    Longest,
}

impl Word {
    /// A word of bare text only.
    pub fn literal(text: &[u8]) -> Word {
        Word(alloc::vec![Part::Literal(text.to_vec())])
    }

    /// The text, if the word is bare text only: then it may be a reserved word or a name.
    pub fn as_literal(&self) -> Option<&[u8]> {
        match self.0.as_slice() {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

/// Whether `text` is a valid variable or function name.
pub fn is_name(text: &[u8]) -> bool {
    text.first()
        .is_some_and(|byte| is_name_byte(*byte) && !byte.is_ascii_digit())
        && text.iter().all(|byte| is_name_byte(*byte))
}

/// Whether `byte` may stand in a name.
pub fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
