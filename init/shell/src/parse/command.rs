//! Lists, pipelines and simple commands.

use super::{Error, Parser, Token, heredoc::Tabs};
use crate::ast::*;
use alloc::{rc::Rc, vec::Vec};

/// Words that end a list where a command could start.
const CLOSERS: [&[u8]; 8] = [
    b"then", b"elif", b"else", b"fi", b"do", b"done", b"esac", b"}",
];

impl Parser<'_> {
    /// Commands up to the line's end.
    pub(super) fn line(&mut self) -> Result<Script, Error> {
        let mut items = Vec::new();
        while !self.at_list_end()? && *self.peek()? != Token::Newline {
            items.push(self.item()?);
        }
        if items.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Script(items))
    }

    /// Commands over any number of lines, up to what closes the structure around them.
    pub(super) fn list(&mut self) -> Result<Script, Error> {
        let mut items = Vec::new();
        self.skip_newlines()?;
        while !self.at_list_end()? {
            items.push(self.item()?);
            self.skip_newlines()?;
        }
        Ok(Script(items))
    }

    /// As [`Parser::list`], with at least one command.
    pub(super) fn full_list(&mut self) -> Result<Script, Error> {
        let list = self.list()?;
        if list.0.is_empty() {
            Err(self.unexpected())
        } else {
            Ok(list)
        }
    }

    fn at_list_end(&mut self) -> Result<bool, Error> {
        Ok(match self.peek()? {
            Token::End | Token::Operator(")" | ";;") => true,
            token => token.literal().is_some_and(|text| CLOSERS.contains(&text)),
        })
    }

    /// One entry of a list with the `;` or `&` behind it.
    fn item(&mut self) -> Result<Item, Error> {
        let start = self.position()?;
        let list = self.and_or()?;
        let text = self.text_since(start);
        let mode = match self.peek()? {
            Token::Operator("&") => Mode::Background,
            _ => Mode::Foreground,
        };
        match self.peek()? {
            Token::Operator("&" | ";") => drop(self.take()?),
            Token::Newline | Token::End | Token::Operator(")" | ";;") => {}
            _ => return Err(self.unexpected()),
        }
        Ok(Item { list, mode, text })
    }

    fn and_or(&mut self) -> Result<AndOr, Error> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let connector = match self.peek()? {
                Token::Operator("&&") => Connector::And,
                Token::Operator("||") => Connector::Or,
                _ => return Ok(AndOr { first, rest }),
            };
            self.take()?;
            self.skip_newlines()?;
            rest.push((connector, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, Error> {
        let start = self.position()?;
        let mut negated = false;
        while self.at_reserved("!")? {
            self.take()?;
            negated = !negated;
        }
        let mut commands = alloc::vec![self.command()?];
        while self.accept(&Token::Operator("|"))? {
            self.skip_newlines()?;
            commands.push(self.command()?);
        }
        let text = self.text_since(start);
        Ok(Pipeline {
            negated,
            commands,
            text,
        })
    }

    /// One command of any kind.
    fn command(&mut self) -> Result<Command, Error> {
        if let Some(compound) = self.nested(Self::compound)? {
            let mut redirects = Vec::new();
            while let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
            }
            return Ok(Command::Compound(compound, redirects));
        }
        self.simple()
    }

    fn simple(&mut self) -> Result<Command, Error> {
        let mut simple = Simple::default();
        loop {
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
                continue;
            }
            match self.peek()? {
                Token::Word(_) => self.simple_word(&mut simple)?,
                Token::Operator("(") if simple.words.len() == 1 => return self.function(simple),
                _ => break,
            }
        }
        let is_empty = simple.words.is_empty() && simple.assignments.is_empty();
        if is_empty && simple.redirects.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command::Simple(simple))
    }

    /// Takes a word of a simple command: an assignment, the name or an argument.
    fn simple_word(&mut self, simple: &mut Simple) -> Result<(), Error> {
        let Token::Word(word) = self.take()? else {
            return Ok(());
        };
        match assignment(&word) {
            Some(assignment) if simple.words.is_empty() => simple.assignments.push(assignment),
            _ => simple.words.push(word),
        }
        Ok(())
    }

    /// Takes `() body` after a function's name.
    fn function(&mut self, simple: Simple) -> Result<Command, Error> {
        let name = simple
            .words
            .first()
            .and_then(Word::as_literal)
            .unwrap_or(b"")
            .to_vec();
        if !is_name(&name) || !simple.assignments.is_empty() || !simple.redirects.is_empty() {
            return Err(self.unexpected());
        }
        self.take()?;
        self.expect(&Token::Operator(")"))?;
        self.skip_newlines()?;
        let body = self.nested(Self::command)?;
        match body {
            Command::Compound(..) => Ok(Command::Function(name, Rc::new(body))),
            Command::Simple(_) | Command::Function(..) => Err(super::syntax("bad function body")),
        }
    }

    /// Takes a redirection, if one is next.
    pub(super) fn redirect(&mut self) -> Result<Option<Redirect>, Error> {
        let number = match *self.peek()? {
            Token::Descriptor(number) => {
                self.take()?;
                Some(number)
            }
            _ => None,
        };
        let operator = match *self.peek()? {
            Token::Operator(text) if text.starts_with(['<', '>']) => text,
            _ => return Ok(None),
        };
        self.take()?;
        let Token::Word(word) = self.peek()?.clone() else {
            return Err(self.unexpected());
        };
        self.take()?;
        let fd = number.unwrap_or(u32::from(operator.starts_with('>')));
        let target = match operator {
            "<" => Target::Read(word),
            ">>" => Target::Append(word),
            "<>" => Target::ReadWrite(word),
            "<&" | ">&" => Target::Duplicate(word),
            "<<" => Target::Here(self.lexer.heredoc(&word, Tabs::Keep, self.depth)?),
            "<<-" => Target::Here(self.lexer.heredoc(&word, Tabs::Strip, self.depth)?),
            _ => Target::Write(word),
        };
        Ok(Some(Redirect { fd, target }))
    }
}

/// Splits `NAME=word`; a `~` directly behind the `=` or a `:` is a home directory.
fn assignment(word: &Word) -> Option<(Bytes, Word)> {
    let (Part::Literal(first), rest) = word.0.split_first()? else {
        return None;
    };
    let equals = first.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (first.get(..equals)?, first.get(equals + 1..)?);
    if !is_name(name) {
        return None;
    }
    let mut parts = literal_with_tilde(value, rest.is_empty());
    parts.extend_from_slice(rest);
    Some((name.to_vec(), Word(parts)))
}

/// Bare text whose leading `~user` is a home directory.
fn literal_with_tilde(text: &[u8], is_whole: bool) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    if let Some(after) = text.strip_prefix(b"~") {
        let length = after
            .iter()
            .take_while(|b| **b != b'/' && **b != b':')
            .count();
        let (user, tail) = after.split_at(length);
        if user.iter().all(|b| is_name_byte(*b)) && (is_whole || !tail.is_empty()) {
            parts.push(Part::Tilde(user.to_vec()));
            rest = tail;
        }
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_vec()));
    }
    parts
}
