//! The players by id, and the lists of those that a pass, a search or a wake-up has to look at.

use std::collections::VecDeque;

use super::{
    Event, PlayerId,
    player::{Phase, Player},
};

/// A player in sync: what a pass touches, and nothing else.
#[derive(Debug)]
pub(super) struct Member<W> {
    pub(super) writer: W,
    pub(super) index: u32,
}

#[derive(Debug)]
struct Slot<W> {
    generation: u32,
    player: Option<Player<W>>,
}

#[derive(Debug)]
pub(super) struct Roster<W> {
    slots: Vec<Slot<W>>,
    free: Vec<u32>,
    len: usize,
    pub(super) in_sync: Vec<Member<W>>,
    /// Members before this one have got the pass that runs; all of them when none runs.
    pub(super) served: usize,
    idle: Vec<u32>,
    blocked: Vec<u32>,
    events: VecDeque<PlayerId>,
}

impl<W> Roster<W> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            len: 0,
            in_sync: Vec::new(),
            served: 0,
            idle: Vec::new(),
            blocked: Vec::new(),
            events: VecDeque::new(),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn idle(&self) -> &[u32] {
        &self.idle
    }

    pub(super) fn blocked(&self) -> &[u32] {
        &self.blocked
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = PlayerId> {
        self.slots
            .iter()
            .zip(0..)
            .filter(|(slot, _)| slot.player.is_some())
            .map(|(slot, index)| PlayerId {
                index,
                generation: slot.generation,
            })
    }

    pub(super) fn add(&mut self, player: Player<W>) -> PlayerId {
        self.len += 1;
        let player = Some(player);
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.player = player;
            return PlayerId {
                index,
                generation: slot.generation,
            };
        }
        let index = u32::try_from(self.slots.len()).expect("fewer players than 2^32");
        self.slots.push(Slot {
            generation: 0,
            player,
        });
        PlayerId {
            index,
            generation: 0,
        }
    }

    /// Takes out a player that is in no list of a phase but `Wanted`, `Gone` or `Finished`.
    pub(super) fn take(&mut self, id: PlayerId) -> Option<Player<W>> {
        self.get(id)?;
        self.list(id.index, Phase::Gone);
        let slot = &mut self.slots[id.index as usize];
        let player = slot.player.take()?;
        self.len -= 1;
        // A slot whose generations are used up stays empty: an id is never used twice.
        if let Some(generation) = slot.generation.checked_add(1) {
            slot.generation = generation;
            self.free.push(id.index);
        }
        if player.queued {
            self.events.retain(|queued| *queued != id);
        }
        Some(player)
    }

    pub(super) fn get(&self, id: PlayerId) -> Option<&Player<W>> {
        let slot = self.slots.get(id.index as usize)?;
        slot.player
            .as_ref()
            .filter(|_| slot.generation == id.generation)
    }

    pub(super) fn get_mut(&mut self, id: PlayerId) -> Option<&mut Player<W>> {
        let slot = self.slots.get_mut(id.index as usize)?;
        slot.player
            .as_mut()
            .filter(|_| slot.generation == id.generation)
    }

    /// The id of the player in a slot.
    pub(super) fn id(&self, index: u32) -> PlayerId {
        PlayerId {
            index,
            generation: self.slots[index as usize].generation,
        }
    }

    /// The player in a slot that is known to be taken.
    pub(super) fn at(&mut self, index: u32) -> &mut Player<W> {
        self.slots[index as usize]
            .player
            .as_mut()
            .expect("lists hold players")
    }

    /// Moves a player that is not in sync to the list of a phase.
    pub(super) fn list(&mut self, index: u32, phase: Phase) {
        let player = self.at(index);
        let (from, listed) = (player.phase, player.listed);
        debug_assert!(
            from != Phase::InSync && phase != Phase::InSync,
            "see `join` and `leave`"
        );
        if from == phase {
            return;
        }
        player.phase = phase;
        if let Some(list) = self.list_of(from) {
            list.swap_remove(listed);
            if let Some(moved) = list.get(listed).copied() {
                self.at(moved).listed = listed;
            }
        }
        if let Some(list) = self.list_of(phase) {
            list.push(index);
            let listed = list.len() - 1;
            self.at(index).listed = listed;
        }
    }

    const fn list_of(&mut self, phase: Phase) -> Option<&mut Vec<u32>> {
        match phase {
            Phase::Idle => Some(&mut self.idle),
            Phase::Blocked => Some(&mut self.blocked),
            Phase::InSync | Phase::Wanted | Phase::Gone | Phase::Finished => None,
        }
    }

    /// Puts a player among those in sync that have got the pass that runs.
    pub(super) fn join(&mut self, index: u32) {
        self.list(index, Phase::Wanted);
        let place = self.in_sync.len();
        let player = self.at(index);
        player.phase = Phase::InSync;
        if let Some(writer) = player.writer.take() {
            self.in_sync.push(Member { writer, index });
        }
        self.swap(place, self.served);
        self.served += 1;
    }

    /// Takes a player from those in sync, whether a pass runs or not. Gives whether it had got that pass.
    pub(super) fn leave(&mut self, index: u32) -> bool {
        let mut place = self.at(index).listed;
        let served = place < self.served;
        if served {
            // The hole goes to the seam first, so that no member crosses it.
            self.served -= 1;
            self.swap(place, self.served);
            place = self.served;
        }
        let last = self.in_sync.len() - 1;
        self.swap(place, last);
        if let Some(member) = self.in_sync.pop() {
            let player = self.at(index);
            player.writer = Some(member.writer);
            player.phase = Phase::Wanted;
        }
        served
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.in_sync.swap(a, b);
        for place in [a, b] {
            let index = self.in_sync[place].index;
            self.at(index).listed = place;
        }
    }

    /// Has the caller told something of a player. An event that says more stays.
    pub(super) fn tell(&mut self, event: Event) {
        let id = event.player();
        let Some(player) = self.get_mut(id) else {
            return;
        };
        if player
            .event
            .is_none_or(|old| old.weight() <= event.weight())
        {
            player.event = Some(event);
        }
        if !player.queued {
            player.queued = true;
            self.events.push_back(id);
        }
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        while let Some(id) = self.events.pop_front() {
            let player = self.get_mut(id)?;
            player.queued = false;
            if let Some(event) = player.event.take() {
                return Some(event);
            }
        }
        None
    }

    /// Panics when the lists do not partition the players.
    pub(super) fn check_invariants(&self) {
        let players = || {
            self.slots
                .iter()
                .zip(0..)
                .filter_map(|(slot, at)| Some((at, slot.player.as_ref()?)))
        };
        assert_eq!(players().count(), self.len, "players are counted");
        assert!(self.served <= self.in_sync.len());
        let mut seen = [0; 3];
        let mut queued = 0;
        for (index, player) in players() {
            queued += usize::from(player.queued);
            assert!(
                player.queued || player.event.is_none(),
                "what is to be told is in the queue"
            );
            let place = player.listed;
            assert_eq!(
                player.writer.is_none(),
                player.phase == Phase::InSync,
                "one writer each"
            );
            let (list, found) = match player.phase {
                Phase::InSync => (0, self.in_sync.get(place).map(|member| member.index)),
                Phase::Idle => (1, self.idle.get(place).copied()),
                Phase::Blocked => (2, self.blocked.get(place).copied()),
                Phase::Wanted | Phase::Gone | Phase::Finished => continue,
            };
            seen[list] += 1;
            assert_eq!(found, Some(index), "a player is in the list of its phase");
        }
        assert_eq!(
            seen,
            [self.in_sync.len(), self.idle.len(), self.blocked.len()]
        );
        assert_eq!(
            queued,
            self.events.len(),
            "one place in the queue of events per player"
        );
    }
}

impl Event {
    /// The player it is about.
    #[must_use]
    pub const fn player(&self) -> PlayerId {
        match self {
            Self::Blocked(id) | Self::Ready(id) | Self::Gone(id) | Self::Stalled(id) => *id,
        }
    }

    const fn weight(self) -> u8 {
        match self {
            Self::Ready(_) => 0,
            Self::Blocked(_) => 1,
            Self::Stalled(_) => 2,
            Self::Gone(_) => 3,
        }
    }
}
