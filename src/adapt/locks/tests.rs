mod model;
mod rim;
mod table;
