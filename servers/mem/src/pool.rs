//! A pool of equal things in pieces: growing never moves what is there, never needs much memory at
//! once, and says so when there is none.

use crate::NoRoom;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Things in a piece.
const PIECE: usize = 32;

/// Things by number.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pool<T> {
    pieces: Vec<Vec<T>>,
    /// Numbers of unused things; it has room for all numbers, so giving back never fails.
    free: Vec<u32>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool {
            pieces: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T: Default> Pool<T> {
    /// Takes a thing, which is as [`Pool::give_back`] got it.
    ///
    /// # Errors
    /// [`NoRoom`] if the pool cannot grow.
    pub fn take(&mut self) -> Result<u32, NoRoom> {
        if self.free.is_empty() {
            self.grow()?;
        }
        self.free.pop().ok_or(NoRoom)
    }

    /// Sees to it that the next `count` calls of [`Pool::take`] succeed.
    ///
    /// # Errors
    /// [`NoRoom`] if the pool cannot grow.
    pub fn reserve(&mut self, count: usize) -> Result<(), NoRoom> {
        while self.free.len() < count {
            self.grow()?;
        }
        Ok(())
    }

    /// Gives a thing back.
    pub fn give_back(&mut self, number: u32) {
        self.free.push(number);
    }

    /// The thing with this number, if the pool is so large.
    pub fn get(&self, number: u32) -> Option<&T> {
        self.pieces
            .get(number as usize / PIECE)?
            .get(number as usize % PIECE)
    }

    /// The thing with this number, if the pool is so large.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.pieces
            .get_mut(number as usize / PIECE)?
            .get_mut(number as usize % PIECE)
    }

    /// The thing with a number that was taken.
    ///
    /// # Panics
    /// For a number that no pool of this size gave out.
    #[inline(always)]
    pub fn at(&self, number: u32) -> &T {
        &self.pieces[number as usize / PIECE][number as usize % PIECE]
    }

    /// The thing with a number that was taken.
    ///
    /// # Panics
    /// As [`Pool::at`].
    #[inline(always)]
    pub fn at_mut(&mut self, number: u32) -> &mut T {
        &mut self.pieces[number as usize / PIECE][number as usize % PIECE]
    }

    /// How many are taken.
    pub fn in_use(&self) -> usize {
        self.pieces.len() * PIECE - self.free.len()
    }

    #[cold]
    fn grow(&mut self) -> Result<(), NoRoom> {
        let base = self.pieces.len() * PIECE;
        let room = base + PIECE - self.free.len();
        self.free.try_reserve(room).map_err(|_| NoRoom)?;
        self.pieces.try_reserve(1).map_err(|_| NoRoom)?;
        let mut piece = Vec::new();
        piece.try_reserve_exact(PIECE).map_err(|_| NoRoom)?;
        piece.resize_with(PIECE, T::default);
        self.pieces.push(piece);
        self.free.extend((base as u32..(base + PIECE) as u32).rev());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_from_the_lowest_and_used_again() {
        let mut pool = Pool::<u8>::default();
        let numbers: Vec<u32> = (0..40).map(|_| pool.take().unwrap()).collect();
        assert_eq!(numbers, (0..40).collect::<Vec<_>>());
        pool.give_back(7);
        assert_eq!((pool.in_use(), pool.take()), (39, Ok(7)));
        assert!(pool.get(63).is_some() && pool.get(64).is_none());
    }

    #[test]
    fn what_was_reserved_can_be_taken() {
        let mut pool = Pool::<u8>::default();
        pool.reserve(100).unwrap();
        let room = pool.free.capacity();
        for _ in 0..100 {
            pool.take().unwrap();
        }
        assert_eq!(room, pool.free.capacity());
    }
}
