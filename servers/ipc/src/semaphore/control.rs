//! `semctl`.

use super::{
    Semaphores,
    set::{Awaits, Set},
};
use crate::{
    layout::{self, PERM_BYTES, SEMID_BYTES, SetState},
    limits::*,
    numbers::*,
    permission::{READ, WRITE},
    server::{Answer, Call},
};
use abi::Errno;
use alloc::{vec, vec::Vec};
use proto::ipc::Reply;

/// `SEMUSZ`: the size of an undo structure of Linux, which `seminfo` shows.
const UNDO_BYTES: u32 = 20;

/// Arguments of `semctl`.
pub(crate) struct Control {
    pub(crate) id: i32,
    pub(crate) index: u32,
    pub(crate) command: u32,
    pub(crate) value: i32,
}

impl Semaphores {
    /// `semctl`.
    pub(crate) fn control(&mut self, control: Control, call: &mut Call<'_>) -> Answer {
        let Control { id, command, .. } = control;
        match command {
            IPC_RMID => self.remove(id, call),
            IPC_SET => self.set(id, call),
            IPC_STAT => {
                let set = self.sets.get(id)?;
                set.permissions.check(call.who, READ)?;
                call.write_lease(&state(id, set))?;
                Ok(Reply::Value(0))
            }
            SEM_STAT | SEM_STAT_ANY => {
                let (id, set) = self.sets.at(id)?;
                if command == SEM_STAT {
                    set.permissions.check(call.who, READ)?;
                }
                call.write_lease(&state(id, set))?;
                Ok(Reply::Value(id))
            }
            IPC_INFO | SEM_INFO => {
                call.write_lease(&self.info(command))?;
                Ok(Reply::Value(self.sets.highest()))
            }
            GETALL => self.get_all(id, call),
            SETALL => self.set_all(id, call),
            SETVAL => self.set_value(control, call),
            GETVAL | GETPID | GETNCNT | GETZCNT => self.get_one(control, call),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    fn remove(&mut self, id: i32, call: &mut Call<'_>) -> Answer {
        self.sets.get(id)?.permissions.check_owner(call.who)?;
        if let Some(set) = self.sets.remove(id) {
            set.dismiss(call.ports);
        }
        Ok(Reply::Value(0))
    }

    fn set(&mut self, id: i32, call: &mut Call<'_>) -> Answer {
        let mut bytes = [0; PERM_BYTES];
        call.read_lease(&mut bytes)?;
        let set = self.sets.get_mut(id)?;
        set.permissions.check_owner(call.who)?;
        set.permissions.set(layout::read_change(&bytes));
        set.changed_s = call.now_s;
        Ok(Reply::Value(0))
    }

    fn get_all(&mut self, id: i32, call: &mut Call<'_>) -> Answer {
        let set = self.sets.get(id)?;
        set.permissions.check(call.who, READ)?;
        let bytes: Vec<u8> = set
            .values
            .iter()
            .flat_map(|value| (*value as u16).to_le_bytes())
            .collect();
        call.write_lease(&bytes)?;
        Ok(Reply::Value(0))
    }

    fn set_all(&mut self, id: i32, call: &mut Call<'_>) -> Answer {
        let set = self.sets.get_mut(id)?;
        set.permissions.check(call.who, WRITE)?;
        let mut bytes = vec![0; set.values.len() * 2];
        call.read_lease(&mut bytes)?;
        let values = bytes
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        if values.clone().any(|value| i32::from(value) > SEMVMX) {
            return Err(Errno::ERANGE.into());
        }
        for (index, value) in values.enumerate() {
            set.set_value(index, value.into(), call.sender.0);
        }
        set.changed_s = call.now_s;
        set.advance(call.ports, call.now_s);
        Ok(Reply::Value(0))
    }

    fn set_value(&mut self, control: Control, call: &mut Call<'_>) -> Answer {
        if !(0..=SEMVMX).contains(&control.value) {
            return Err(Errno::ERANGE.into());
        }
        let set = self.sets.get_mut(control.id)?;
        let index = check_index(set, control.index)?;
        set.permissions.check(call.who, WRITE)?;
        set.set_value(index, control.value, call.sender.0);
        set.changed_s = call.now_s;
        set.advance(call.ports, call.now_s);
        Ok(Reply::Value(0))
    }

    fn get_one(&mut self, control: Control, call: &mut Call<'_>) -> Answer {
        let set = self.sets.get(control.id)?;
        set.permissions.check(call.who, READ)?;
        let index = check_index(set, control.index)?;
        let value = match control.command {
            GETVAL => set.values[index],
            GETPID => set.pids[index] as i32,
            GETNCNT => set.count_waiters(index, Awaits::Growth) as i32,
            _ => set.count_waiters(index, Awaits::Zero) as i32,
        };
        Ok(Reply::Value(value))
    }

    fn info(&self, command: u32) -> [u8; 40] {
        let (used, total) = if command == SEM_INFO {
            (self.sets.len() as u32, self.total() as u32)
        } else {
            (UNDO_BYTES, SEMAEM as u32)
        };
        let (all, each) = (SEMMNS as u32, SEMOPM as u32);
        layout::seminfo([
            all,
            SEMMNI as u32,
            all,
            all,
            SEMMSL,
            each,
            each,
            used,
            SEMVMX as u32,
            total,
        ])
    }
}

fn check_index(set: &Set, index: u32) -> Result<usize, Errno> {
    let index = index as usize;
    if index < set.values.len() {
        Ok(index)
    } else {
        Err(Errno::EINVAL)
    }
}

fn state(id: i32, set: &Set) -> [u8; SEMID_BYTES] {
    let state = SetState {
        operated_s: set.operated_s,
        changed_s: set.changed_s,
        count: set.values.len() as u64,
    };
    layout::semid(id, &set.permissions, &state)
}
