class Tables < ActiveRecord::Migration[6.1]
  class User < ActiveRecord::Base
    self.table_name = "ar_users"
  end

  def up
    create_table :ar_users do |table|
      table.string :email, null: false, index: { unique: true }
      table.string :name
      table.timestamps default: -> { "now()" }
    end
    create_table :ar_posts do |table|
      table.references :user, null: false, foreign_key: { to_table: :ar_users }
      table.text :title, null: false
      table.jsonb :meta
    end
    User.create!(email: "ada@example.org")
  end

  def down
    drop_table :ar_posts
    drop_table :ar_users
  end
end
