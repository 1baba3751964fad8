mod driven;
mod property;
mod steps;
