# ActiveRecord. The server's address comes from DATABASE_URL.
require "active_record"
require "logger"
require "tmpdir"

$failures = 0

def check(name)
  yield
  puts "ok - activerecord: #{name}"
rescue StandardError => error
  $failures += 1
  puts "not ok - activerecord: #{name}"
  puts "#{error.class}: #{error.message}\n#{(error.backtrace || []).first(3).join("\n")}".gsub(/^/, "    ")
end

def equal(expected, actual)
  raise "expected #{expected.inspect}, got #{actual.inspect}" unless expected == actual
end

ActiveRecord::Migration.verbose = false
ActiveRecord::SchemaMigration.table_name = "ar_schema_migrations"
ActiveRecord::InternalMetadata.table_name = "ar_internal_metadata"

def connect
  ActiveRecord::Base.establish_connection(ENV.fetch("DATABASE_URL"))
  ActiveRecord::Base.connection
end

def clean
  %w[ar_posts ar_users ar_schema_migrations ar_internal_metadata].each do |table|
    ActiveRecord::Base.connection.execute("drop table if exists #{table}")
  end
end

class User < ActiveRecord::Base
  self.table_name = "ar_users"
  has_many :posts, dependent: :destroy
end

class Post < ActiveRecord::Base
  self.table_name = "ar_posts"
  belongs_to :user
end

def migrations
  ActiveRecord::MigrationContext.new(File.join(__dir__, "migrations"), ActiveRecord::SchemaMigration)
end

check("it connects") do
  connect
  clean
end

check("migrate") do
  migrations.migrate
  equal [1, 2], migrations.get_all_versions
  equal [true], User.distinct.pluck(:active)
end

check("migrate with nothing to do") do
  equal false, migrations.needs_migration?
  migrations.migrate
end

check("create reads ids back; relations") do
  user = User.create!(email: "new@example.org")
  raise "no id" unless user.id.is_a?(Integer)

  user.posts.create!(title: "one", meta: { a: [1] })
  equal [{ "a" => [1] }], User.includes(:posts).find(user.id).posts.map(&:meta)
  equal ["new@example.org"], Post.joins(:user).pluck("ar_users.email")
end

check("insert_all, update_all, upsert, find_each, destroy") do
  User.insert_all((0...50).map { |i| { email: "many#{i}@example.org" } })
  equal 11, User.where("email like 'many1%'").update_all(name: "one")
  User.upsert({ email: "many1@example.org", name: "again" }, unique_by: :email)
  equal "again", User.find_by!(email: "many1@example.org").name
  equal 50, User.where("email like 'many%'").find_each(batch_size: 20).count
  User.find_by!(email: "new@example.org").destroy
  equal 0, Post.count
end

check("transactions, committed and rolled back") do
  User.transaction { User.create!(email: "tx@example.org") }
  User.transaction do
    User.delete_all
    raise ActiveRecord::Rollback
  end
  equal true, User.exists?(email: "tx@example.org")
  User.transaction(isolation: :repeatable_read) { equal 1, User.where(email: "tx@example.org").count }
end

check("a lock, an error, and the connection goes on") do
  User.transaction { User.lock.find_by!(email: "tx@example.org").update!(name: "locked") }
  begin
    User.create!(email: "tx@example.org")
    raise "the duplicate was taken"
  rescue ActiveRecord::RecordNotUnique
    equal "locked", User.find_by!(email: "tx@example.org").name
  end
end

check("reset!") do
  ActiveRecord::Base.connection.reset!
  equal 1, User.where(email: "tx@example.org").count
end

check("rollback of the migrations") do
  migrations.rollback(2)
  equal [], migrations.get_all_versions
end

check("it cleans up") { clean }

exit($failures.zero? ? 0 : 1)
