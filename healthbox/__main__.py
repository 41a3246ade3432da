from healthbox.cli import main

main()
