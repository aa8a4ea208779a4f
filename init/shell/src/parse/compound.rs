//! Control structures.

use super::{Error, Parser, Token};
use crate::ast::*;
use alloc::vec::Vec;

impl Parser<'_> {
    /// Takes a control structure, if one is next.
    pub(super) fn compound(&mut self) -> Result<Option<Compound>, Error> {
        if self.accept(&Token::Operator("("))? {
            let body = self.full_list()?;
            self.expect(&Token::Operator(")"))?;
            return Ok(Some(Compound::Subshell(body)));
        }
        let Some(text) = self.peek()?.literal().map(<[u8]>::to_vec) else {
            return Ok(None);
        };
        let parse = match text.as_slice() {
            b"{" => Self::group,
            b"if" => Self::if_clause,
            b"while" => Self::while_clause,
            b"until" => Self::until_clause,
            b"for" => Self::for_clause,
            b"case" => Self::case_clause,
            b"then" | b"elif" | b"else" | b"fi" | b"do" | b"done" | b"esac" | b"}" => {
                return Err(self.unexpected());
            }
            _ => return Ok(None),
        };
        self.take()?;
        parse(self).map(Some)
    }

    fn group(&mut self) -> Result<Compound, Error> {
        let body = self.full_list()?;
        self.expect_reserved("}")?;
        Ok(Compound::Group(body))
    }

    fn if_clause(&mut self) -> Result<Compound, Error> {
        let mut arms = Vec::new();
        loop {
            let condition = self.full_list()?;
            self.expect_reserved("then")?;
            arms.push((condition, self.full_list()?));
            if !self.at_reserved("elif")? {
                break;
            }
            self.take()?;
        }
        let mut otherwise = None;
        if self.at_reserved("else")? {
            self.take()?;
            otherwise = Some(self.full_list()?);
        }
        self.expect_reserved("fi")?;
        Ok(Compound::If(arms, otherwise))
    }

    fn while_clause(&mut self) -> Result<Compound, Error> {
        let condition = self.full_list()?;
        Ok(Compound::Loop(LoopKind::While, condition, self.do_group()?))
    }

    fn until_clause(&mut self) -> Result<Compound, Error> {
        let condition = self.full_list()?;
        Ok(Compound::Loop(LoopKind::Until, condition, self.do_group()?))
    }

    fn do_group(&mut self) -> Result<Script, Error> {
        self.expect_reserved("do")?;
        let body = self.full_list()?;
        self.expect_reserved("done")?;
        Ok(body)
    }

    fn for_clause(&mut self) -> Result<Compound, Error> {
        let name = match self.peek()?.literal() {
            Some(text) if is_name(text) => text.to_vec(),
            _ => return Err(self.unexpected()),
        };
        self.take()?;
        self.skip_newlines()?;
        let mut words = None;
        if self.at_reserved("in")? {
            self.take()?;
            words = Some(self.for_words()?);
        } else {
            self.accept(&Token::Operator(";"))?;
        }
        self.skip_newlines()?;
        Ok(Compound::For(name, words, self.do_group()?))
    }

    fn for_words(&mut self) -> Result<Vec<Word>, Error> {
        let mut words = Vec::new();
        while let Token::Word(word) = self.peek()? {
            words.push(word.clone());
            self.take()?;
        }
        match self.peek()? {
            Token::Operator(";") | Token::Newline => drop(self.take()?),
            _ => return Err(self.unexpected()),
        }
        Ok(words)
    }

    fn case_clause(&mut self) -> Result<Compound, Error> {
        let Token::Word(subject) = self.peek()?.clone() else {
            return Err(self.unexpected());
        };
        self.take()?;
        self.skip_newlines()?;
        self.expect_reserved("in")?;
        self.skip_newlines()?;
        let mut arms = Vec::new();
        while !self.at_reserved("esac")? {
            arms.push(self.case_arm()?);
            self.skip_newlines()?;
        }
        self.take()?;
        Ok(Compound::Case(subject, arms))
    }

    /// Patterns, `)`, a branch and `;;`, which the last branch may leave out.
    fn case_arm(&mut self) -> Result<(Vec<Word>, Script), Error> {
        self.accept(&Token::Operator("("))?;
        let mut patterns = Vec::new();
        loop {
            let Token::Word(pattern) = self.peek()?.clone() else {
                return Err(self.unexpected());
            };
            self.take()?;
            patterns.push(pattern);
            if !self.accept(&Token::Operator("|"))? {
                break;
            }
        }
        self.expect(&Token::Operator(")"))?;
        let body = self.list()?;
        if !self.accept(&Token::Operator(";;"))? && !self.at_reserved("esac")? {
            return Err(self.unexpected());
        }
        Ok((patterns, body))
    }
}
