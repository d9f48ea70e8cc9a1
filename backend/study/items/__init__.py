"""Items: flashcards and questions."""
