class Grow < ActiveRecord::Migration[6.1]
  def change
    add_column :ar_users, :active, :boolean, null: false, default: true
    add_column :ar_posts, :note, :string
    add_index :ar_posts, %i[user_id title]
  end
end
