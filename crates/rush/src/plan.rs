//! What is in a plan. Everything that chance decides is decided here, before anyone comes.

/// Milliseconds of the morning, from its beginning.
pub type Millis = u64;

/// A morning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What made it: the same seed, the same morning.
    pub seed: u64,
    /// In the order in which they come.
    pub customers: Vec<Customer>,
    /// Pairs of hands at the bar: so many that the line keeps up.
    pub baristas: usize,
    /// When the line is killed.
    pub kills: Vec<Millis>,
    /// How long people come.
    pub span: Millis,
}

/// One customer: what they want, and what they and the bar will do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// When they order.
    pub comes_at: Millis,
    /// What they want; empty where nothing is on the menu.
    pub wants: Vec<Wish>,
    /// How many drinks that is.
    pub cups: u16,
    /// Where they order.
    pub at: Where,
    /// How often the order is sent, always with the same key.
    pub sends: Sends,
    /// How they wait, if they have a phone.
    pub manner: Manner,
    /// How it is made.
    pub bar: AtBar,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The item's id.
    pub item: String,
    /// How many.
    pub quantity: u16,
    /// What is not as it usually is: `milk/oat`.
    pub options: Vec<String>,
}

/// Where someone orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// On their phone, which is their bell.
    Phone,
    /// At the till, without a phone: staff order, and the code is called.
    Till,
}

/// How often an order is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sends {
    /// Once.
    Once,
    /// Twice at the same moment: a double tap.
    Twice,
    /// Again after so long: a reload whose answer got lost.
    Again(Millis),
}

/// How someone with a phone waits. Times count from when the order was taken, unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manner {
    /// Tests the bell.
    pub tests_after: Option<Millis>,
    /// Reloads the page.
    pub reloads_after: Vec<Millis>,
    /// Would rather not have it, if it is not begun.
    pub cancels_after: Option<Millis>,
    /// Wanders off.
    pub leaves: Option<Leave>,
    /// From the bell until they say that they are coming.
    pub notices_after: Millis,
    /// From there to the bar.
    pub walks_for: Millis,
    /// Doesn't find it at first.
    pub misses_it: bool,
    /// Says on the phone that they have it; else the bar says that it was handed over.
    pub says_collected: bool,
}

/// Someone who wanders off, and closes the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// When.
    pub after: Millis,
    /// Comes back so much later; `None`: never.
    pub back_after: Option<Millis>,
}

/// What happens to an order at the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtBar {
    /// How long a pair of hands is busy with it.
    pub making: Millis,
    /// Each line is ticked when it is done.
    pub ticks: bool,
    /// What goes wrong.
    pub slip: Option<Slip>,
    /// From when it is ready until the bar says that it was handed over; `None`: the customer says so, or never comes.
    pub hands_over_after: Option<Millis>,
}

/// What goes wrong at the bar, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slip {
    /// Called before it was ready, and undone so much later.
    TooSoon(Millis),
    /// Said to be handed over when it was not, and taken back so much later.
    NotHandedOver(Millis),
    /// Not as it was ordered: it comes back so long after it was handed over, and is made again.
    Wrong(Millis),
}
